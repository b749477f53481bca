"""One, two and three replicas, each with the same share of a core, and what stands between them and their callers."""
