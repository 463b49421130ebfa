"""Painting the avatar's picture."""
