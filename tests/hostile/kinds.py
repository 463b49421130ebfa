"""Every kind of thing that arrives, and what tries hostile ones of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.answers.campaign import http_answers
from tests.hostile.files.run import picture_files, sound_files
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
    "sounds": Kind("sound files, mutated, from the drop to their blocks", 20_000, sound_files),
    "pictures": Kind("pictures, mutated, from the drop to the face that is sent", 10_000, picture_files),
}
