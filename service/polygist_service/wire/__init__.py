"""Between protobuf and the domain: free functions, no transport."""
