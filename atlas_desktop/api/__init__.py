"""Where sessions come from: Atlas with a key, or a backend in front of it."""
