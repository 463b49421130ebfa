"""The sound process: speaker and microphone through Qt Multimedia, which the window never loads."""
