"""Every text that people read on the page."""
