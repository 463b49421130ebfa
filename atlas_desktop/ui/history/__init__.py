"""Paid sessions of before, and what they cost."""
