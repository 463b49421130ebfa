"""The queue of clips and its player."""
