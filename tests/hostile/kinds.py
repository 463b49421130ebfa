"""Every kind of thing that arrives, and what tries hostile ones of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.files.run import picture_files, sound_files
from tests.hostile.secrecy.echoes import echoed_secrets
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
    "sounds": Kind("sound files, mutated, from the drop to their blocks", 20_000, sound_files),
    "echoes": Kind("answers that give the key back, in any form and place", 20_000, echoed_secrets),
    "pictures": Kind("pictures, mutated, from the drop to the face that is sent", 10_000, picture_files),
}
