"""The agent of a conversation: turns, replies and a voice."""
