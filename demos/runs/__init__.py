"""Tab Runs."""
