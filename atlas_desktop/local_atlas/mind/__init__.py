"""The avatar's mind in conversation: turns, replies and a voice."""
