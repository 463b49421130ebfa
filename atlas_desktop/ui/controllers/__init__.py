"""Controllers behind the model: key, face, limits, journal, recovery; and the notices they raise."""
