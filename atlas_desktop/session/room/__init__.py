"""The LiveKit side of a session: the room, its words, its statistics, and the route to it.

``livekit_room`` alone imports the SDK, and is itself imported in a thread: half a second that the window need
not wait for.
"""
