"""Notifies of this computer's sleep and wake-up while a paid session runs."""

from atlas_desktop.sleep_watch.sleep_monitor import SleepMonitor

__all__ = ["SleepMonitor"]
