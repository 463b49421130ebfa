"""``docs/hostile.md``: what was tried of each kind, and what came of it, as the campaigns found it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.hostile.tally import Tally

PAGE = Path("docs/hostile.md")
# One kind can be run anew without the others.
RESULTS = Path("docs/hostile.json")

_HEAD = """# What arrives, made hostile

Everything that comes from outside is tried in shapes that nobody means well with: answers of the service,
rooms, files, settings. Nothing may end the program, make it wait past its limits or take more memory than
it should; each is taken, or named. `make fuzz` wrote this page (hours; `KINDS=…` runs some); `make test`
runs the short form of each, in `tests/hostile/`.

| Tried | How many | Became | Longest | Most memory | Found | When |
| --- | ---: | --- | ---: | ---: | ---: | --- |
"""


@dataclass(frozen=True)
class Row:
    """A kind's line on the page."""

    words: str
    tried: int
    outcomes: Mapping[str, int]
    worst_s: float
    worst_mb: float
    found: int
    when: str

    @classmethod
    def of(cls, words: str, tally: Tally) -> "Row":
        """The line for what a campaign found today."""
        return cls(
            words=words,
            tried=tally.outcomes.total(),
            outcomes=dict(tally.outcomes.most_common()),
            worst_s=round(tally.worst_s[0], 3),
            worst_mb=round(tally.worst_mb[0]),
            found=len(tally.findings),
            when=f"{datetime.now(UTC):%Y-%m-%d}",
        )

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count:,} {name}" for name, count in self.outcomes.items())
        memory = f"{self.worst_mb:.0f} MB" if self.worst_mb else "–"
        return (
            f"| {self.words} | {self.tried:,} | {outcomes} | {self.worst_s:.2f} s | {memory} "
            f"| {self.found} | {self.when} |"
        )


def write_page(name: str, row: Row) -> None:
    """Put a kind's line on the page; the others keep theirs."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows[name] = asdict(row)
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(_HEAD + "".join(f"{Row(**each)}\n" for each in rows.values()))
