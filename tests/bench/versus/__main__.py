"""``python -m tests.bench.versus``: the program beside Chromium with livekit-client, on one stream."""

import argparse
import json
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import psutil

from tests.bench.versus.grouping import one_group
from tests.bench.versus.performance import RUNS, write
from tests.bench.versus.place import place
from tests.bench.versus.run import CONDITIONS, Order, measure
from tests.bench.versus.stream import Stream
from tests.bench.versus.usage import machine
from tests.bench.versus.viewers import Chromium, Program, Viewer, has_lip_sync
from tests.desk.process import DeskError

_OUT = RUNS.parent
_VIEWERS: dict[str, Viewer] = {
    "program": Program(),
    "lowest": Program(lip_sync=False),
    "chromium": Chromium(),
}
_SHOWN = {
    "cpu_percent": "CPU %",
    "pss_mb": "PSS MB",
    "shown_percent": "shown %",
    "glass_p50_ms": "glass 50",
    "glass_p95_ms": "95",
    "glass_p99_ms": "99",
    "gaps": "gaps",
    "sound_ms": "sound",
    "skew_ms": "skew",
    "skew_worst_ms": "worst",
    "dropouts": "lost",
    "start_ms": "start",
    "launch_ms": "launch",
    "pressed_ms": "press",
    "machine_percent": "all %",
}


def main() -> int:
    """Measures pair after pair, and keeps each run as a line of JSON."""
    given = _arguments()
    # Whoever ends it must not leave a desk and its programs behind.
    signal.signal(signal.SIGTERM, _end)
    _OUT.mkdir(parents=True, exist_ok=True)
    if given.fresh:
        RUNS.unlink(missing_ok=True)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    orders = [Order(s, c, given.seconds, given.ppm) for s in given.size for c in given.condition]
    print(_row("all times in ms", list(_SHOWN.values())))
    for order in orders:
        for pair in range(given.pairs):
            # Who goes first alternates: a machine that warms up or gets busy does so for both.
            names = given.viewers if pair % 2 == 0 else given.viewers[::-1]
            for name in names:
                _run(name, order, f"{began} {pair}")
    print(RUNS)
    if given.write:
        write()
    return 0


def _run(name: str, order: Order, pair: str) -> None:
    load = psutil.getloadavg()[0]
    picture = _OUT / f"{name}-{order.stream}-{order.condition}.png"
    try:
        with one_group(), place(realtime=order.condition != "unprivileged") as there:
            found = measure(_VIEWERS[name], order, there, picture)
    except DeskError as error:
        # One that does not come up is a finding, and no reason to lose the others.
        found = {"viewer": _VIEWERS[name].name, "failed": str(error)}
        print(error, file=sys.stderr)
    about: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "pair": pair,
        "stream": str(order.stream),
        "condition": order.condition,
        "seconds": order.seconds,
        "sound_ppm": order.sound_ppm,
        "load_before": round(load, 2),
        "machine": machine(),
    }
    with RUNS.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({**about, **found}, ensure_ascii=False) + "\n")
    print(
        _row(f"{name} {order.stream} {order.condition}", [found.get(shown) for shown in _SHOWN]), flush=True
    )


def _row(label: str, values: list[Any]) -> str:
    return label.ljust(30) + "".join(str("never" if value is None else value).rjust(9) for value in values)


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _default_viewers() -> list[str]:
    return list(_VIEWERS) if has_lip_sync() else ["program", "chromium"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.versus", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--size", type=Stream.parse, nargs="+", default=[Stream(512, 512, 25)])
    parser.add_argument("--condition", choices=CONDITIONS, nargs="+", default=["idle"])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--ppm", type=float, default=0.0, help="how much too fast the sender's sound runs")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md of all that is kept")
    parser.add_argument("--fresh", action="store_true", help="forget the runs that were kept so far")
    parser.add_argument("--viewers", choices=_VIEWERS, nargs="+", default=_default_viewers())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
