"""Cost and quality in numbers, one command a table."""
