"""Streams and many items, on a server of its own: what a restart costs, and how fast, how soon and how large they are."""
