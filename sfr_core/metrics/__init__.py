"""What is measured; no plotting, no model loading."""
