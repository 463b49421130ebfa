"""Rooms that nobody means well with: in the session's own handlers, and on the wire."""
