"""Tells when this computer is about to sleep and when it woke, while a paid session runs."""

from atlas_desktop.sleep_watch.watch import SleepWatch

__all__ = ["SleepWatch"]
