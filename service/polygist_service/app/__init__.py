"""The process: what it is made of, its ports, from start to stop."""
