"""``python -m tests.bench.soak SECONDS``: a rehearsal that keeps talking, watched for growth."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.bench.growth import BOUNDS, HEAD, Growth, growth
from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.sound import sound

_WARM_UP_SHARE = 0.3
_WARM_UP_MOST_S = 240.0
_SHORT_S = 600.0
_WHOLE_SHARE = 0.9
_OUT = Path("out/soak.jsonl")

Sample = dict[str, Any]


def samples_of(env: Mapping[str, str], seconds: float) -> list[Sample]:
    """Lets the rehearsal talk; returns what was held meanwhile.

    Raises:
        CalledProcessError: The rehearsal failed; what it logged is on our own stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.soak_rehearsal", str(seconds)],
        env=dict(env),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def judged(samples: Iterable[Sample], seconds: float) -> list[Growth]:
    """What became of each quantity after the warm-up.

    Raises:
        ValueError: The samples end long before the soak does.
    """
    samples = tuple(samples)
    ended_s = max((sample["at_s"] for sample in samples), default=0.0)
    if ended_s < _WHOLE_SHARE * seconds:
        raise ValueError(f"samples of {ended_s:.0f} s tell nothing of {seconds:.0f} s")
    warm_s = min(_WARM_UP_SHARE * seconds, _WARM_UP_MOST_S)
    warm = [sample for sample in samples if sample["at_s"] >= warm_s]
    found = []
    for process in ("program", "local Atlas"):
        own = [sample for sample in warm if sample["process"] == process]
        times_s = [sample["at_s"] for sample in own]
        for name in BOUNDS:
            values = [float(sample[name]) for sample in own]
            found.append(growth(process, name, times_s, values, is_short=seconds < _SHORT_S))
    return found


def main(seconds: float) -> int:
    """Soaks and prints the table; 1 when something grew beyond its bound."""
    with session_bus(os.environ) as env, display(env) as env, sound(env) as card:
        samples = samples_of(card.env, seconds)
    found = judged(samples, seconds)
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    _OUT.write_text("".join(json.dumps(sample) + "\n" for sample in samples), "utf-8")
    print(HEAD)
    print("\n".join(row.row() for row in found))
    return 1 if any(row.too_much for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0))
