"""Summaries: selection, ranking, citations."""
