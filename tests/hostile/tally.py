"""What became of everything of one kind that was tried."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Outcomes, the worst of time and memory, and what should not have been.

    Attributes:
        outcomes: How often each outcome came.
        findings: Each a line: what was found, and where it is kept or how it is made again.
        worst_s: The longest that one took, and which; of a processor's time for files, else of the clock.
        worst_mb: The most memory that one took, and which.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    worst_s: tuple[float, str] = (0.0, "")
    worst_mb: tuple[float, str] = (0.0, "")

    def count(self, outcome: str, which: str, took_s: float, mb: float = 0.0) -> None:
        """Note one that was tried."""
        self.outcomes[outcome] += 1
        self.worst_s = max(self.worst_s, (took_s, which))
        self.worst_mb = max(self.worst_mb, (mb, which))

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        (seconds, slow), (mb, large) = self.worst_s, self.worst_mb
        worst = f"worst {seconds:.2f} s ({slow}), {mb:.0f} MB ({large})"
        return f"{outcomes}; {worst}; {len(self.findings)} found"
