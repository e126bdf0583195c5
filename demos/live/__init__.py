"""What a page polls while a run goes on."""
