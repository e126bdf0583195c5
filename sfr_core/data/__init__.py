"""Pictures, and which of them are forgotten."""
