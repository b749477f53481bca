"""Which models are in memory, and since when and for whom."""
