"""The short form of ``make fuzz KINDS=stored``: a share of all changes, and every place."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.stored.changes import BYTES, PLACES, every_change, how_many, some_changes
from tests.hostile.stored.readers import READ, STORED, Stored
from tests.hostile.stored.run import Attempt, stored_files
from tests.hostile.tally import Tally


def test_whatever_became_of_a_stored_file_it_is_read_or_set_aside_with_words(tmp_path: Path) -> None:
    tally = stored_files(500, 5, tmp_path / "found")
    assert tally.findings == []
    assert set(tally.outcomes) == {"read", "set aside", "said"}
    assert tally.outcomes.total() > 500 + len(PLACES) * len(STORED)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.mark.parametrize("name", STORED)
def test_what_is_changed_is_read_before(tmp_path: Path, tally: Tally, name: str) -> None:
    attempt = Attempt(tally, name, STORED[name], tmp_path / "found", "again")
    good = attempt.good
    attempt.take(next(change for change in every_change(good) if change.content == good))
    attempt.close()
    assert (tally.findings, tally.outcomes) == ([], {READ: 1})


def test_every_offset_is_tried() -> None:
    good = b"a\n9"
    changes = list(every_change(good))
    assert len(changes) == how_many(good) == 4 + 3 * len(BYTES) - 2
    assert {change.content for change in changes} >= {b"", b"a", b"a\n", good, b"\0\n9", b"a09", b'a\n"'}
    assert list(some_changes(good, 1000, random.Random(1))) == changes
    assert len(list(some_changes(good, 5, random.Random(1)))) == 5


@pytest.fixture
def blind(tmp_path: Path, tally: Tally) -> Iterator[Attempt]:
    """Reads settings, and can't stand them without their end."""
    settings = STORED["settings"]

    def read(_profile: object, path: Path, good: bytes, _change: object) -> str:
        if path.read_bytes() != good:
            raise KeyError("an end")
        return READ

    attempt = Attempt(tally, "settings", Stored(settings.write, read), tmp_path / "found", "make it again")
    yield attempt
    attempt.close()


def test_a_reader_that_raises_is_found_with_its_file(tmp_path: Path, tally: Tally, blind: Attempt) -> None:
    blind.take(next(every_change(blind.good)))
    [finding] = tally.findings
    assert finding.startswith("settings: cut at 0: KeyError")
    assert "make it again" in finding
    assert [path.read_bytes() for path in (tmp_path / "found").iterdir()] == [b""]
