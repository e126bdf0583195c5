"""What stands below a finished run."""
