"""Mouse and keyboard on the X display, as a person's hands: through XTest, from outside."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.desk.process import run
from tests.e2e.drag_source import SIZE_PX

_STEPS = 8
_SOURCE_AT = (4, 4)


class Hands:
    """Moves, clicks, types and drags on the display of ``env``."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._source: subprocess.Popen[str] | None = None

    def close(self) -> None:
        """Ends the program that things are dragged from."""
        if self._source is not None:
            self._source.communicate(timeout=5)
            self._source = None

    def move(self, x: int, y: int) -> None:
        self._do("mousemove", str(x), str(y))

    def click(self, x: int, y: int) -> float:
        """Clicks there; returns the CLOCK_MONOTONIC time just before, in s."""
        self._do("mousemove", str(x), str(y))
        clicked_s = time.monotonic()
        self._do("click", "1")
        return clicked_s

    def key(self, *chords: str) -> float:
        """Presses chords such as ``ctrl+e``; returns the CLOCK_MONOTONIC time just before, in s."""
        pressed_s = time.monotonic()
        self._do("key", "--delay", "30", *chords)
        return pressed_s

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Holds ``key`` down during the block; it repeats."""
        self._do("keydown", key)
        try:
            yield
        finally:
            self._do("keyup", key)

    def type(self, text: str) -> None:
        self._do("type", "--delay", "12", text)

    def windows(self, pid: int) -> list[str]:
        """The ids of the program's visible windows."""
        words = ["xdotool", "search", "--onlyvisible", "--pid", str(pid)]
        found: str = run(words, self._env, check=False, capture_output=True, text=True, timeout=20).stdout
        return found.split()

    def drag(self, kind: str, values: Sequence[str], target: tuple[int, int]) -> float:
        """Drags content from a second program onto ``target`` and lets go.

        Returns:
            The CLOCK_MONOTONIC time just before the release, s.
        """
        self._order(kind, values, "ready")
        released_s = self._carry(_SOURCE_AT, target)
        self._expect("dropped")
        return released_s

    def copy(self, text: str) -> None:
        """Puts ``text`` on the clipboard, in the second program."""
        self._order("copy", [text], "copied")

    def _order(self, kind: str, values: Sequence[str], answer: str) -> None:
        source = self._dragging()
        assert source.stdin is not None
        source.stdin.write(json.dumps({"kind": kind, "values": list(values)}) + "\n")
        source.stdin.flush()
        self._expect(answer)

    def _expect(self, answer: str) -> None:
        source = self._dragging()
        assert source.stdout is not None
        said = source.stdout.readline().strip()
        assert said == answer, said

    def _dragging(self) -> "subprocess.Popen[str]":
        if self._source is None:
            words = [sys.executable, "-m", "tests.e2e.drag_source", *map(str, _SOURCE_AT)]
            self._source = subprocess.Popen(
                words, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._source

    def _carry(self, start: tuple[int, int], target: tuple[int, int]) -> float:
        x, y = start[0] + SIZE_PX // 2, start[1] + SIZE_PX // 2
        self._do("mousemove", str(x), str(y), "sleep", "0.1", "mousedown", "1", "sleep", "0.1")
        # Two small moves start the drag; the steps let the target see it come, as XDND wants.
        self._do("mousemove", str(x + 6), str(y + 6), "sleep", "0.1", "mousemove", str(x + 14), str(y + 14))
        time.sleep(0.2)
        steps: list[str] = []
        for step in range(1, _STEPS + 1):
            along_x = x + (target[0] - x) * step // _STEPS
            along_y = y + (target[1] - y) * step // _STEPS
            steps += ["mousemove", str(along_x), str(along_y), "sleep", "0.03"]
        self._do(*steps)
        time.sleep(0.3)
        released_s = time.monotonic()
        self._do("mouseup", "1")
        return released_s

    def _do(self, *words: str) -> None:
        run(["xdotool", *words], self._env, capture_output=True, timeout=20)
