"""Documents: segments for a model out, what it made of them back in, everything else kept."""
