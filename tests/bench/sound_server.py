"""``python -m tests.bench.sound_server SECONDS``: a call whose sound server dies and returns.

``--pipewire``: the server is PipeWire. It says how long the sound took to be back, and what grew.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.growth import HEAD, growth
from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.sound import Card, Kind, sound

_WARM_UP_S = 10.0
_EVERY_S = (40.0, 80.0)
_AWAY_S = (0.2, 5.0)
_LAST_S = 20.0
_SHORT_S = 600.0
_LIMIT_S = 120.0
_MEANT_S = 2.0
_OUT = Path("out/sound_server.jsonl")
_WARM_SHARE = 0.3

Line = dict[str, Any]


def call_through(card: Card, seconds: float, seed: int) -> tuple[list[Line], list[float], int]:
    """Lets a call go on while the server dies; returns what it said, when the server was back, its status."""
    moments, restarts_s = random.Random(seed), []
    words = [sys.executable, "-m", "tests.bench.sound_server_call", str(seconds)]
    said: list[Line] = []
    with subprocess.Popen(words, env=card.env, stdout=subprocess.PIPE, text=True) as process:
        reading = threading.Thread(target=_read, args=(process, said))
        reading.start()
        while process.poll() is None and not any("up" in line for line in tuple(said)):
            time.sleep(0.1)
        began_s = time.monotonic()
        time.sleep(_WARM_UP_S)
        while time.monotonic() - began_s < seconds - _LAST_S and process.poll() is None:
            card.kill()
            time.sleep(moments.uniform(*_AWAY_S))
            # Before the server is asked to start: sound is sometimes back before all of its devices are.
            restarts_s.append(time.monotonic())
            card.start()
            print(f"{restarts_s[-1] - began_s:8.1f} s: the server is back", file=sys.stderr, flush=True)
            time.sleep(min(moments.uniform(*_EVERY_S), seconds / 5))
        reading.join(_LIMIT_S + seconds)
    return said, restarts_s, process.returncode


def _read(process: "subprocess.Popen[str]", said: list[Line]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said.append(json.loads(line))


def back_ms(lines: list[Line], what: str, restarts_s: list[float]) -> list[float | None]:
    """For each return of the server, how much later ``what`` went on; ``None``: not before the next death."""
    resumed_s = [line["at_s"] for line in lines if line.get("resumed") == what]
    found: list[float | None] = []
    for restarted_s, next_s in zip(restarts_s, [*restarts_s[1:], float("inf")], strict=True):
        first_s = next((at_s for at_s in resumed_s if restarted_s <= at_s < next_s), None)
        found.append(None if first_s is None else (first_s - restarted_s) * 1000)
    return found


def told(lines: list[Line], restarts_s: list[float], seconds: float) -> bool:
    """Prints the figures; False when something is not as it is meant."""
    is_fine = bool(restarts_s)
    for what in ("speaker", "microphone"):
        times_ms = back_ms(lines, what, restarts_s)
        known_ms = [one for one in times_ms if one is not None]
        never = len(times_ms) - len(known_ms)
        if known_ms:
            print(
                f"{what}: back after {statistics.median(known_ms):.0f} ms, {max(known_ms):.0f} ms at worst,"
                f" {len(known_ms)} times; never {never} times"
            )
        is_fine &= bool(known_ms) and never == 0 and max(known_ms) < _MEANT_S * 1000
    end = next((line for line in lines if "ended" in line), None)
    print(f"the call at the end: {end['ended'] if end else 'none'}; notices: {_notices(lines)}")
    is_fine &= end is not None and end["ended"] == "live"
    return _grew(lines, seconds) and is_fine


def _notices(lines: list[Line]) -> dict[str, int]:
    codes = [line["notice"] for line in lines if "notice" in line]
    return {code: codes.count(code) for code in sorted(set(codes))}


def _grew(lines: list[Line], seconds: float) -> bool:
    samples = [line for line in lines if "memory_mb" in line and line["at_s"] > 0]
    began_s = samples[0]["at_s"]
    warm = [one for one in samples if one["at_s"] - began_s >= _WARM_SHARE * min(seconds, 800.0)]
    print(HEAD)
    rows = []
    for quantity in ("memory_mb", "threads", "descriptors"):
        times_s, values = [one["at_s"] for one in warm], [float(one[quantity]) for one in warm]
        rows.append(growth("program", quantity, times_s, values, is_short=seconds < _SHORT_S))
        print(rows[-1].row())
    return not any(row.too_much for row in rows)


def main() -> int:
    """Soaks and prints the figures; 1 when something is not as it is meant."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sound_server")
    parser.add_argument("seconds", nargs="?", type=float, default=3600.0)
    parser.add_argument("--pipewire", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kind: Kind = "pipewire" if given.pipewire else "pulseaudio"
    with session_bus(os.environ) as env, display(env) as env, sound(env, kind) as card:
        lines, restarts_s, status = call_through(card, given.seconds, given.seed)
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    _OUT.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    print(f"the program ended with status {status}")
    return 0 if told(lines, restarts_s, given.seconds) and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
