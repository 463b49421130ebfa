"""``python -m tests.bench``: every figure, on a virtual desk of its own; also as JSON in out/bench.json."""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil

from atlas_desktop import __version__
from tests.bench.call import rehearsal
from tests.bench.figures import Figure, save, told
from tests.bench.guard import guard
from tests.bench.incoming import against_public_streams
from tests.bench.window import idle, start_up
from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.sound import sound

_OUT = Path("out/bench.json")
_PARTS: dict[str, Callable[[Mapping[str, str]], list[Figure]]] = {
    "start": start_up,
    "idle": idle,
    "guard": guard,
    "call": rehearsal,
    "media": against_public_streams,
}


def main(names: list[str]) -> int:
    """Measures the parts named, or all; 1 when an aim was missed."""
    figures: list[Figure] = []
    load = psutil.getloadavg()[0]
    with session_bus(os.environ) as env, display(env) as env, sound(env) as card:
        for name in names or _PARTS:
            told(figures, partial(_PARTS[name], card.env))
    save(
        figures,
        _OUT,
        version=__version__,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=psutil.cpu_count(),
        load_before=round(load, 2),
    )
    print(f"{_OUT}; load before it began: {load:.2f} on {psutil.cpu_count()} cores")
    return 1 if any(figure.good is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
