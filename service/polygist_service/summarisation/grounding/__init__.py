"""Whether an article bears out what a model wrote about it."""
