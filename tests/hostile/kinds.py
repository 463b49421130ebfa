"""Every kind of thing that arrives, and what tries hostile ones of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.answers.campaign import http_answers
from tests.hostile.files.run import picture_files, sound_files
from tests.hostile.local.campaign import local_atlas
from tests.hostile.rooms.run import session_events, wire_packets
from tests.hostile.secrecy.echoes import echoed_secrets
from tests.hostile.stored.run import stored_files
from tests.hostile.tally import Tally

Campaign = Callable[[int, int, Path], Tally]
"""Tries so many, from a seed for chance; what is found is kept in a folder."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing that arrives.

    Attributes:
        words: What is tried, for the page.
        count: How many a whole campaign tries.
        run: The campaign.
    """

    words: str
    count: int
    run: Campaign


KINDS = {
    "answers": Kind("HTTP answers over a socket, from the request to grant or error", 20_000, http_answers),
    "echoes": Kind("answers that give the key back, in any form and place", 20_000, echoed_secrets),
    "room": Kind("events of a room, in a session's own handlers under a window", 20_000, session_events),
    "peer": Kind("packets and updates of a LiveKit room on the wire", 20_000, wire_packets),
    "local": Kind("requests, rooms and datagrams of strangers at the local Atlas", 20_000, local_atlas),
    "sounds": Kind("sound files, mutated, from the drop to their blocks", 20_000, sound_files),
    "pictures": Kind("pictures, mutated, from the drop to the face that is sent", 10_000, picture_files),
    "stored": Kind("files of the profile, each cut and changed at every offset", 50_000, stored_files),
}
