"""Pure functions on text: documents, sentences, language."""
