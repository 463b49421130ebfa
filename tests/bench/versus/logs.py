"""What the processes of one run have written down, and the figures in it."""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.versus.card import Heard, beeps, dropouts
from tests.bench.versus.sums import heard_delays, seen_first, sums

_BEHIND_S = 1.0


@dataclass(frozen=True, slots=True)
class Logs:
    """The files of one run, in one folder."""

    folder: Path

    @property
    def sent(self) -> Path:
        """What the sender handed over: frames, beeps, created sessions."""
        return self.folder / "sent"

    @property
    def seen(self) -> Path:
        """Where the bar code is, and each number that was read."""
        return self.folder / "seen"

    @property
    def heard(self) -> Path:
        """The recording."""
        return self.folder / "heard"

    @property
    def heard_times(self) -> Path:
        """When its pieces came."""
        return self.folder / "heard.times"

    @property
    def viewer(self) -> Path:
        """What the viewer says."""
        return self.folder / "viewer.log"

    @property
    def others(self) -> Path:
        """What the other processes say."""
        return self.folder / "others.log"

    def looks(self) -> list[tuple[float, int]]:
        """The numbers read so far, and when."""
        return [(entry["at_s"], entry["low"]) for entry in _entries(self.seen) if "low" in entry]

    def card_ms(self, handed_s: list[float]) -> float | None:
        """What the sound server and the recorder take by themselves, by beeps handed over at these times."""
        heard = Heard.read(self.heard, self.heard_times).between(handed_s[0] - 0.1, handed_s[-1] + _BEHIND_S)
        delays = heard_delays(dict(enumerate(handed_s)), beeps(heard))
        return round(statistics.median(delays.values()) * 1000, 1) if delays else None

    def figures(
        self, rate_hz: float, launched_s: float, pressed_s: float | None, began_s: float, ended_s: float
    ) -> dict[str, Any]:
        """The figures of what was sent between two moments, and those of the start.

        Args:
            launched_s: When the viewer was launched.
            pressed_s: When it was told to start, if it did not do so by itself.
        """
        sent = _entries(self.sent)
        frames, sounds = _times(sent, "frame"), _times(sent, "beep")
        looks = self.looks()
        heard = Heard.read(self.heard, self.heard_times)
        found = sums(
            _between(frames, began_s, ended_s),
            _between(sounds, began_s, ended_s),
            seen_first(frames, looks),
            beeps(heard.between(began_s, ended_s + _BEHIND_S)),
            len(dropouts(heard.between(began_s, ended_s))),
            rate_hz,
        )
        created_s = next(entry["at_s"] for entry in sent if "created" in entry)
        places = [entry["place"] for entry in _entries(self.seen) if "place" in entry]
        return {
            **found.as_dict(),
            "start_ms": round((looks[0][0] - created_s) * 1000),
            "launch_ms": round((looks[0][0] - launched_s) * 1000) if pressed_s is None else None,
            "pressed_ms": round((looks[0][0] - pressed_s) * 1000) if pressed_s is not None else None,
            "picture_px": places[-1][2] - places[-1][1],
        }


def _entries(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _times(entries: list[dict[str, Any]], kind: str) -> dict[int, float]:
    return {entry[kind]: entry["at_s"] for entry in entries if kind in entry}


def _between(times: dict[int, float], from_s: float, to_s: float) -> dict[int, float]:
    return {number: at_s for number, at_s in times.items() if from_s <= at_s < to_s}
