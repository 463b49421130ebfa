"""Picture and sound on their way into the program, against the public streams of LiveKit's SDK."""

import json
from collections.abc import Mapping

from tests.bench.figures import Figure
from tests.bench.runs import output

_PEER = "the public streams"


def against_public_streams(env: Mapping[str, str]) -> list[Figure]:
    """Measure a receiver without a window: CPU by either way, and how much sooner the tap has a picture."""
    found = json.loads(output(env, "tests.bench.receive"))
    alone, tap, public = (found[f"{name}_percent"] for name in ("alone", "tap", "public"))
    return [
        Figure("receiving by the tap: CPU", tap, "%", peer=_PEER, peer_value=public),
        Figure("  beyond decoding alone", tap - alone, "%", peer=_PEER, peer_value=public - alone),
        # Below the 25 a second that are sent the machine was too busy to compare.
        Figure("  pictures a second, at least", found["slowest_hz"], "Hz"),
        Figure("a picture is here sooner by, median", found["behind_ms"], "ms"),
        Figure("a picture is here sooner by, most", found["behind_worst_ms"], "ms"),
    ]
