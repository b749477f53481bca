"""What is installed: catalogue, sources, converters, manifests."""
