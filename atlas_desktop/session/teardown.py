"""Ending a session on the server: see ``guard.asking``."""

from atlas_desktop.guard.asking import Patience, end_on_server

__all__ = ["Patience", "end_on_server"]
