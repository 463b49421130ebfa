"""The guard: a small process that makes, keeps and ends paid sessions, whatever becomes of the window."""
