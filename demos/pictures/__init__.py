"""Inline pictures, sheets of samples, blur."""
