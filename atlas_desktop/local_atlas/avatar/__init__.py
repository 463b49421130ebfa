"""The avatar's body: faces, mouths, motion, and the sound that moves them. It knows no LiveKit."""
