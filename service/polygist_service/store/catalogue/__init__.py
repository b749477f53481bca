"""What can be installed: models, families, and what the operator says of them."""
