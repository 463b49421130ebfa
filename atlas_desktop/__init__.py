"""Atlas Desktop: talk with, or speak through, a realtime avatar."""

__version__ = "0.1.0"
