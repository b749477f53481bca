"""How good the answers are: ``python -m bench.quality --data FOLDER``."""
