"""The test call: the real window, measured by itself. ``atlas-desktop check``."""

from atlas_desktop.check.run import run

__all__ = ["run"]
