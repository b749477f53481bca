"""gRPC: thin servicers, and what surrounds every call."""
