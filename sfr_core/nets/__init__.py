"""Small networks that no library has in this size."""
