"""The page before a session: face, mode, price and key."""
