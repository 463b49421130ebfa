"""Sound devices through Qt: the speaker's thread and the microphone's."""
