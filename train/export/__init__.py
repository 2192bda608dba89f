"""From what Axolotl saved to a folder that TGI and transformers read alike."""
