"""A run to pass on: its link, the link as a QR code, and a script or notebook that repeats it."""
