"""The desks behind the model: the key, the face, the journal, and what is said in passing."""
