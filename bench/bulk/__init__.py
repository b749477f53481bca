"""Streams and calls of many items, on a server of their own: what is lost, how fast they are, what they cost."""
