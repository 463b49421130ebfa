"""The window's side of the sound process: speaker, microphone and calibration without Qt Multimedia."""
