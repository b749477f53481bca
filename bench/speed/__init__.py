"""How fast the service is, beside CTranslate2 alone or another version of itself: ``python -m bench.speed``."""
