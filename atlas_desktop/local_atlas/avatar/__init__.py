"""The avatar: its faces, their lip sync and motion, and the audio that drives them. It knows no LiveKit."""
