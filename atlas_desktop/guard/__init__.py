"""The guard: a small process that creates, holds and ends paid sessions, whatever becomes of the window."""
