import json
import os
from pathlib import Path

import pytest

from atlas_desktop.storage.driver_crash_mark import DriverCrashMark


@pytest.fixture
def mark(tmp_path: Path) -> DriverCrashMark:
    return DriverCrashMark(tmp_path)


def test_a_machine_stays_excluded(mark: DriverCrashMark, tmp_path: Path) -> None:
    assert not mark.is_excluded("a machine")
    mark.exclude("a machine")
    assert DriverCrashMark(tmp_path).is_excluded("a machine")
    assert not DriverCrashMark(tmp_path).is_excluded("another one")


@pytest.mark.parametrize(("crashed", "is_excluded"), [(True, True), (False, False)])
def test_what_an_earlier_version_found_still_counts(
    mark: DriverCrashMark, tmp_path: Path, crashed: bool, is_excluded: bool
) -> None:
    found = {"driver": "a card", "machine": "a machine", "use_gl": False, "why": "w", "crashed": crashed}
    found |= {"raster_ms": 2.5, "gl_ms": None}
    (tmp_path / "picture-path.json").write_text(json.dumps(found), "utf-8")
    assert mark.is_excluded("a machine") is is_excluded


@pytest.mark.parametrize(
    "text",
    [
        *("", "no JSON", "[]", "{}", '{"crashed": true}', "[" * 99_999, " " * (5 << 20)),
        '{"machine": 7, "crashed": true}',
        '{"machine": ["a machine"], "crashed": true}',
        '{"machine": "a machine", "crashed": 1}',
        '{"machine": "a machine", "crashed": "true"}',
    ],
)
def test_a_record_that_can_not_be_read_excludes_nothing(
    mark: DriverCrashMark, tmp_path: Path, text: str
) -> None:
    (tmp_path / "picture-path.json").write_text(text, "utf-8")
    assert not mark.is_excluded("a machine")


def test_the_mark_outlives_a_crash(mark: DriverCrashMark, tmp_path: Path) -> None:
    assert not mark.is_set()
    assert mark.set()
    assert DriverCrashMark(tmp_path).is_set()
    mark.clear()
    mark.clear()
    assert not DriverCrashMark(tmp_path).is_set()


def test_where_nothing_can_be_marked_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    mark = DriverCrashMark(tmp_path / "file")
    assert not mark.set()
    mark.exclude("a machine")
    mark.clear()
    assert not mark.is_excluded("a machine")


def test_a_pipe_in_its_place_is_not_waited_for(mark: DriverCrashMark, tmp_path: Path) -> None:
    for name in ("picture-path.json", "picture-path.trying"):
        os.mkfifo(tmp_path / name)
    assert not mark.is_excluded("a machine")
    assert mark.is_set()


def test_where_nothing_can_be_seen_no_driver_has_died(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    assert not DriverCrashMark(tmp_path / "circle").is_set()
