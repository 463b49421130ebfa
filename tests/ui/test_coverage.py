"""A window that nobody can see decodes and paints nothing, on a real X screen with a window manager."""

import json
import os
import subprocess
import sys

import pytest

from tests.desk.beholder import FRAMES
from tests.desk.display import display


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, int]]:
    with display(os.environ) as env:
        done = subprocess.run(
            [sys.executable, "-m", "tests.desk.beholder"],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    states: dict[str, dict[str, int]] = json.loads(done.stdout)
    return states


@pytest.mark.parametrize("state", ["open", "open again", "restored"])
def test_what_can_be_seen_is_painted(found: dict[str, dict[str, int]], state: str) -> None:
    assert found[state]["painted"] >= FRAMES - 3
    assert found[state]["unseen"] == 0


@pytest.mark.parametrize("state", ["covered", "minimised", "on another desktop"])
def test_what_nobody_sees_is_not_painted(found: dict[str, dict[str, int]], state: str) -> None:
    assert found[state]["painted"] == 0
    assert found[state]["unseen"] >= FRAMES - 3


def test_qt_alone_would_not_know(found: dict[str, dict[str, int]]) -> None:
    # The day this fails, Qt tells by itself, and ``video/coverage.py`` may go.
    assert found["exposed says Qt"] == {"yes": 1}
