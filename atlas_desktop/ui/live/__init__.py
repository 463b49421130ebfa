"""The page of a session: stage, overlay, steps, control bar, full screen."""
