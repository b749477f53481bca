"""What kinds of documents are made of, and what must be the same of them in another language."""
