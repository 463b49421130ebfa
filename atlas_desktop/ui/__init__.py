"""The window: pages, widgets and the Qt models between them and the session."""
