"""The window with a watch over its thread: ``python -m tests.e2e.watched WORDS…`` in the program's place.

Each time that the thread waits for anything but its events for over 100 ms is noted, with its stack, in the
file that ``ATLAS_TEST_STALLS`` names. Computing is not counted: the machine may be any.
"""

import os
import sys
from pathlib import Path

from atlas_desktop.__main__ import main
from tests.stalls import Stall, StallWatch

FILE = "ATLAS_TEST_STALLS"


def run() -> int:
    # Left in place: where the locale's letters are not UTF-8 the program begins once more.
    file = Path(os.environ[FILE])

    def note(stall: Stall) -> None:
        with file.open("a", encoding="utf-8", errors="replace") as stalls:
            stalls.write(f"{stall}\n")

    StallWatch(note, counts_work=False)
    return main()


if __name__ == "__main__":
    sys.exit(run())
