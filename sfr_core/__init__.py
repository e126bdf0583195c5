"""SFR-on machine unlearning over any task, as a generator of typed events."""
