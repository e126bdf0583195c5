"""Runs and work on finished runs as jobs: the book of jobs, where they run, what they will take."""
