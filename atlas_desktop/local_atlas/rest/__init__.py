"""The REST side: Atlas's calls, its books, and the faults that can be ordered."""
