"""Mutated sound files and pictures, with a line now and then of how far they are."""

from collections.abc import Sequence
from pathlib import Path

from tests.hostile.files.campaign import Campaign
from tests.hostile.files.corpus import picture_seeds, sound_seeds
from tests.hostile.tally import Tally


def sound_files(count: int, seed: int, keep: Path) -> Tally:
    """Mutated sound files."""
    return _run(sound_seeds(), count, seed, keep)


def picture_files(count: int, seed: int, keep: Path) -> Tally:
    """Mutated pictures."""
    return _run(picture_seeds(), count, seed, keep)


def _run(seeds: Sequence[tuple[str, bytes]], count: int, seed: int, keep: Path) -> Tally:
    campaign = Campaign(seeds, seed, keep)
    for done in campaign.run(count):
        print(f"  {done} of {count}: {campaign.tally}", flush=True)
    return campaign.tally
