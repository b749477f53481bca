"""Terms: phrases, placeholders and words of a glossary, whose translation is prescribed."""
