"""HTML: browsers say what is text, and all else is kept to the letter; see `document`."""
