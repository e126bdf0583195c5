"""The kinds of model: one torch-free file each, with its words, what it can forget, what it can do, and how much it draws."""
