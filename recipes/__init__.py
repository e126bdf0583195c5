"""What produced every file in assets/: seeded, resumable, one command each."""
