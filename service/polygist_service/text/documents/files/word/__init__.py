"""Documents of Word: what is translated of them, and how they are written again."""
