"""The cue strip: what is, was and will be spoken."""
