"""From Axolotl's output to a folder that TGI and transformers read alike."""
