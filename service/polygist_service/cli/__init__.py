"""``polygist-server``: serve, and the models that it serves."""
