"""Measurements of the product: they print tables and judge nothing."""
