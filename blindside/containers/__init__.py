"""Docker containers, for training and serving: images, ownership, certain removal."""
