"""The short form of ``python -m tests.fuzz.files``: some hundreds of broken files, and none does harm."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.corpus import picture_seeds, sound_seeds

Seeds = Callable[[], Sequence[tuple[str, bytes]]]


@pytest.mark.parametrize(
    ("seeds", "count", "good"),
    [(sound_seeds, 300, "spoken"), (picture_seeds, 300, "shown")],
    ids=["sounds", "pictures"],
)
def test_a_broken_file_is_taken_or_named_and_does_no_harm(
    tmp_path: Path, seeds: Seeds, count: int, good: str
) -> None:
    campaign = Campaign(seeds(), 7, tmp_path / "found")
    assert list(campaign.run(count))[-1] == count
    assert [f"{finding.path}: {finding.what}" for finding in campaign.tally.findings] == []
    assert set(campaign.tally.outcomes) == {good, "named"}
    assert campaign.tally.outcomes.total() == count


@pytest.mark.parametrize(
    ("seeds", "good"), [(sound_seeds, "spoken"), (picture_seeds, "shown")], ids=["sounds", "pictures"]
)
def test_what_is_mutated_is_good_before(tmp_path: Path, seeds: Seeds, good: str) -> None:
    campaign = Campaign(seeds(), 1, tmp_path / "found")
    outcomes = campaign.take_all(seeds())
    bad = [ending for ending, outcome in outcomes if outcome != good]
    # A playlist and a script, which must not be taken, and a few that FFmpeg writes and can't read.
    assert len(bad) <= 8, bad
