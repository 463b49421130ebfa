"""The session on a real LiveKit server, with an avatar made by LiveKit's own SDK.

``LIVEKIT_SERVER=/path/to/server python -m pytest tests/real_server`` runs it. It is no part of the default
run unless that variable is set: the server is a program of 75 MB that no Python package brings. It can be
built through the Go module proxy (Go 1.24 or newer; ``GOBIN`` says where it goes)::

    GOBIN=/opt/livekit go install github.com/livekit/livekit-server/cmd/server@v1.13.5

What the embedded local Atlas does as faults (``tests/unit/session/test_room_loss.py``) was taken from what
is seen here. The machine needs a network interface besides loopback: WebRTC gathers no address there.
"""
