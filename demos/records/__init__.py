"""A finished run as data; no web framework."""
