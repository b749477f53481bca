"""Loaded models: each owns one native CTranslate2 object and says how it is fed."""
