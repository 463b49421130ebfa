"""``python -m tests.environments [--write] [CELL…]``: the matrix, or the combinations that are named.

A combination is named by what is not plain in it: ``"de_DE.UTF-8 / PipeWire / Wayland / keyring: none"``.
The status is 1 when the program failed in one; one that can't be tried here says what is missing.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.environments.matrix import AXES, Cell, covering_array, named
from tests.environments.page import PAGE, as_markdown
from tests.environments.trial import Outcome, run

_OUT = Path("out/environments.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.environments")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}, of the whole matrix only")
    parser.add_argument("--list", action="store_true", help="only say which combinations there are")
    parser.add_argument("cells", nargs="*", metavar="CELL")
    given = parser.parse_args()
    if given.write and given.cells:
        parser.error("--write is for the whole matrix")
    cells = [named(words) for words in given.cells] or covering_array()
    if given.list:
        print("\n".join(_words(cell) for cell in cells))
        return 0
    outcomes = [_try(number, len(cells), cell) for number, cell in enumerate(cells, 1)]
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1), encoding="utf-8")
    if given.write:
        PAGE.write_text(as_markdown(outcomes), encoding="utf-8")
    bad = sum(bool(outcome.faults) for outcome in outcomes)
    untried = sum(bool(outcome.missing) for outcome in outcomes)
    print(f"{len(outcomes) - bad - untried} good, {bad} bad, {untried} not tried; figures in {_OUT}")
    return 1 if bad else 0


def _try(number: int, count: int, cell: Cell) -> Outcome:
    print(f"{number} of {count}: {_words(cell)}", flush=True)
    outcome = run(cell)
    words = f"not tried: {outcome.missing}" if outcome.missing else "; ".join(outcome.faults) or "good"
    print(f"  {words}", flush=True)
    if outcome.faults and outcome.last_words:
        print(f"  {outcome.last_words}", flush=True)
    return outcome


def _words(cell: Cell) -> str:
    return " / ".join(f"{axis}: {cell[axis]}" for axis in AXES)


if __name__ == "__main__":
    sys.exit(main())
