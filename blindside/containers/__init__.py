"""Docker containers, as training and serving both use them: images, whose a container is, and its certain end."""
