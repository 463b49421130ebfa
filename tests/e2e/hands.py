"""Mouse and keyboard on the X display, as a person's hands: through XTest, from outside."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from tests.e2e.drag_source import SIZE_PX

_STEPS = 12


class Hands:
    """Moves, clicks, types and drags on the display of ``env``."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

    def _do(self, *words: str) -> str:
        return subprocess.run(
            ["xdotool", *words], env=self._env, check=True, capture_output=True, text=True, timeout=20
        ).stdout

    def move(self, x: int, y: int) -> None:
        self._do("mousemove", str(x), str(y))

    def click(self, x: int, y: int) -> None:
        self._do("mousemove", str(x), str(y), "click", "1")

    def key(self, *chords: str) -> None:
        """Presses chords such as ``ctrl+e`` one after the other."""
        self._do("key", "--delay", "30", *chords)

    def type(self, text: str) -> None:
        self._do("type", "--delay", "12", text)

    def resize(self, pid: int, width: int, height: int) -> None:
        self._do("windowsize", "--sync", self.window(pid), str(width), str(height))

    def window(self, pid: int) -> str:
        """The id of the program's visible top window."""
        return self._do("search", "--onlyvisible", "--pid", str(pid)).split()[-1]

    def drag(
        self, kind: str, values: Sequence[str], target: tuple[int, int], start: tuple[int, int] = (4, 4)
    ) -> tuple[str, float]:
        """Drags content from a second program onto ``target`` and lets go.

        Returns:
            The source's word ("dropped" or "refused") and the CLOCK_MONOTONIC time of the release, s.
        """
        source = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.drag_source", *map(str, start), kind, *values],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert source.stdout is not None
            assert source.stdout.readline().strip() == "ready"
            released_s = self._carry(start, target)
            return source.stdout.readline().strip(), released_s
        finally:
            source.kill()
            source.wait()
            if source.stdout is not None:
                source.stdout.close()

    def _carry(self, start: tuple[int, int], target: tuple[int, int]) -> float:
        x, y = start[0] + SIZE_PX // 2, start[1] + SIZE_PX // 2
        self._do("mousemove", str(x), str(y), "sleep", "0.1", "mousedown", "1", "sleep", "0.1")
        # Two small moves start the drag; the steps let the target see it come, as XDND wants.
        self._do("mousemove", str(x + 6), str(y + 6), "sleep", "0.1", "mousemove", str(x + 14), str(y + 14))
        time.sleep(0.2)
        for step in range(1, _STEPS + 1):
            along_x = x + (target[0] - x) * step // _STEPS
            along_y = y + (target[1] - y) * step // _STEPS
            self._do("mousemove", str(along_x), str(along_y), "sleep", "0.03")
        time.sleep(0.3)
        self._do("mouseup", "1")
        return time.monotonic()
