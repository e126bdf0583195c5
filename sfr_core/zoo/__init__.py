"""Models: their cards, the shipped ones and those that visitors upload."""
