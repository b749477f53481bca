"""Trains the decoders of the starter models."""

import os

# Batches have many shapes; oneDNN compiles for each of them, and keeps too few.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
