"""What is asked of the system's sound server, once, before the first device is opened."""

import os

_LATENCY = "PULSE_LATENCY_MSEC"
LATENCY_MS = 15
"""From our hand-over to the card, the server's own part: enough for its client's thread to be late once."""


def ask_for_low_latency() -> None:
    """Asks PulseAudio, or PipeWire in its place, for a short buffer, unless the user's own wish is set.

    Qt asks for 1024 samples, 21 ms, and offers no way to ask for less; the server's client library looks here
    each time that a stream is opened. To be called before threads start; nothing comes of it where there is
    no such server.
    """
    os.environ.setdefault(_LATENCY, str(LATENCY_MS))
