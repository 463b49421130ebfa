"""What the test call says of picture and sound."""

import json
from dataclasses import replace

import pytest

from atlas_desktop.check.report import Report

MEASURED = Report(
    "1.0",
    "conversation",
    "this computer",
    20.0,
    lip_sync_settled=True,
    hold_ms=63.7,
    picture_path_ms=64.2,
    sound_path_ms=66.4,
    skew_ms=2.2,
    painter="raster",
)


def row(report: Report, name: str) -> str:
    line = next(line for line in report.as_text().splitlines() if line.strip().startswith(name))
    return line.strip().removeprefix(name).strip()


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (MEASURED, "pictures held 64 ms, sound 2 ms later"),
        (replace(MEASURED, skew_ms=-5.0), "pictures held 64 ms, sound 5 ms earlier"),
        (replace(MEASURED, lip_sync_settled=False, skew_ms=None), "pictures held 64 ms, not settled"),
        (replace(MEASURED, lip_sync=False), "off, for the lowest delay"),
        (Report("1.0", "conversation"), "not measured"),
    ],
    ids=["late", "early", "unsettled", "off", "nothing"],
)
def test_lip_sync_in_words(report: Report, words: str) -> None:
    assert row(report, "lip sync") == words


def test_the_paths_in_words() -> None:
    assert row(MEASURED, "picture, sound path") == "64 ms, 66 ms (raster)"
    unheard = replace(MEASURED, sound_path_ms=None, painter="")
    assert row(unheard, "picture, sound path") == "64 ms, unknown"
    assert row(Report("1.0", "conversation"), "picture, sound path") == "not measured"


def test_all_of_it_is_in_the_json() -> None:
    found = json.loads(MEASURED.as_json())
    assert found["skew_ms"] == 2.2
    assert (found["lip_sync"], found["lip_sync_settled"], found["hold_ms"]) == (True, True, 63.7)
    assert (found["picture_path_ms"], found["sound_path_ms"]) == (64.2, 66.4)
    assert found["painter"] == "raster"
