"""The transcript and the message box."""
