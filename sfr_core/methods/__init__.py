"""Unlearning methods: one small file each, and the table of all. Importing the table imports no torch."""
