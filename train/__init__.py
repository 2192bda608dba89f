"""Training: pairs and a recipe to a servable model folder, by Axolotl."""
