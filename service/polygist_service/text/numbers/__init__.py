"""Numbers as values: read by the conventions of a language, compared between two, written in one."""
