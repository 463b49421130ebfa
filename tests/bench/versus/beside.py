"""Runs a viewer with busy processes beside it: ``python -m tests.bench.versus.beside GO MANY COMMAND…``.

They are in the viewer's own session. Where Linux shares the processor out among sessions first
(``sched_autogroup``), two busy ones in sessions of their own would take nothing from a viewer, and on a
desktop that runs all its programs in one group they do. They wait for the file GO, and are ended
with the viewer's process group; they are nobody's children, so that they are not counted as the viewer's.
"""

import os
import sys
import time
from pathlib import Path

from tests.bench.versus.usage import MARK


def main(words: list[str]) -> None:
    """Starts them, and becomes the viewer."""
    go, many, *command = words
    for _ in range(int(many)):
        if os.fork() == 0:
            _leave_behind(go)
        os.wait()
    os.execvp(command[0], command)


def _leave_behind(go: str) -> None:
    if os.fork() == 0:
        spin = [sys.executable, "-m", "tests.bench.versus.beside", go]
        env = {name: value for name, value in os.environ.items() if name != MARK}
        os.execve(spin[0], spin, env)
    os._exit(0)


def _spin_once_told(go: Path) -> None:
    while not go.exists():
        time.sleep(0.1)
    while True:
        pass


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(sys.argv[1:])
    else:
        _spin_once_told(Path(sys.argv[1]))
