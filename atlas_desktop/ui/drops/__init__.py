"""What is dropped on the window: what it would do, and the words for it."""
