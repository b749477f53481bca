"""The benchmarks B1 to B12, each a function from the means of a run to what it found."""
