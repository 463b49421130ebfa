"""Measured figures: each with its aim and with its peer of the same run, as a table and as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        aim: What it should be, as words: "≤ 600"; empty where nothing is promised.
        good: Whether it is so; ``None`` without an aim.
        peer: What it is compared with; ``peer_value`` was measured in the same run.
    """

    name: str
    value: float | None
    unit: str
    aim: str = ""
    good: bool | None = None
    peer: str = ""
    peer_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the peer's."""
        return self.value / self.peer_value if self.value is not None and self.peer_value else None


def at_most(name: str, value: float | None, unit: str, limit: float) -> Figure:
    """A figure that should not exceed ``limit``."""
    return Figure(name, value, unit, f"≤ {limit:g}", value is not None and value <= limit)


def at_least(name: str, value: float | None, unit: str, limit: float) -> Figure:
    """A figure that should reach ``limit``."""
    return Figure(name, value, unit, f"≥ {limit:g}", value is not None and value >= limit)


def table(figures: list[Figure]) -> str:
    """The figures for a person, one a line."""
    return "\n".join(_row(figure) for figure in figures)


def save(figures: list[Figure], path: Path, **about: Any) -> None:
    """Writes the figures, with what the run was, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    path.write_text(json.dumps({**about, "figures": rows}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def told(figures: list[Figure], measure: Callable[[], list[Figure]]) -> None:
    """Measures, prints at once, and keeps."""
    new = measure()
    print(table(new), flush=True)
    figures += new


def _row(figure: Figure) -> str:
    value = "never" if figure.value is None else f"{figure.value:.2f}"
    verdict = {None: "", True: "good", False: "MISSED"}[figure.good]
    ratio = figure.ratio
    beside = f"{ratio:.2f} × {figure.peer} ({figure.peer_value:.2f})" if ratio is not None else ""
    return f"{figure.name:<50}{value:>9} {figure.unit:<5}{figure.aim:<8}{verdict:<8}{beside}".rstrip()
