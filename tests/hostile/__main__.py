"""Hostile answers, rooms, files: ``python -m tests.hostile [KIND…] [--count N] [--seed S] [--write]``."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hostile.kinds import KINDS
from tests.hostile.page import Row, write_page


def main(arguments: list[str] | None = None) -> int:
    """Runs the named campaigns, or all; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all without one")
    parser.add_argument("--count", type=int, help="how many of each; a whole campaign without it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where findings go; a new folder without it")
    parser.add_argument("--write", action="store_true", help="into docs/hostile.md")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.kinds) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    keep = wanted.keep or Path(tempfile.mkdtemp(prefix="hostile-"))
    found = 0
    for name in wanted.kinds or KINDS:
        kind = KINDS[name]
        count = wanted.count or kind.count
        print(f"{name}: {count} {kind.words}", flush=True)
        tally = kind.run(count, wanted.seed, keep / name)
        print(f"  {tally}", *tally.findings, sep="\n  ", flush=True)
        found += len(tally.findings)
        if wanted.write:
            write_page(name, Row.of(kind.words, tally))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
