"""The test call with the real window, which measures itself: ``atlas-desktop check``."""

from atlas_desktop.check.command import run

__all__ = ["run"]
