"""HTTP and JSON: the calls of the contract for those who do not speak gRPC, and what surrounds them on this way."""
