"""The LiveKit side: signalling, peers, tracks, data, and who is in which room."""
