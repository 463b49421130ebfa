"""What the window by itself costs: how soon it is there, and what it takes while nobody uses it."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace

import psutil

from tests.bench.figures import Figure, at_most
from tests.bench.runs import open_program, output

_LAUNCHES = 7
_WINDOW_AIM_MS = 600
_IDLE_AIM_PERCENT = 1
_SETTLE_S = 5.0
_IDLE_S = 10.0


def start_up(env: Mapping[str, str]) -> list[Figure]:
    """Launch → first paint, the median of seven, in turn with a bare window."""
    ours, bare = list[float](), list[float]()
    for _ in range(_LAUNCHES):
        for kind, times_ms in (("ours", ours), ("bare", bare)):
            times_ms.append(float(output(env, "tests.bench.opened", kind)))
    figure = at_most("launch → window painted", statistics.median(ours), "ms", _WINDOW_AIM_MS)
    return [
        replace(figure, peer="a bare window", peer_value=statistics.median(bare)),
        Figure("  the slowest of seven", max(ours), "ms", peer="a bare window", peer_value=max(bare)),
    ]


def idle(env: Mapping[str, str]) -> list[Figure]:
    """The start page, left alone: CPU over ten seconds, once all is loaded."""
    with open_program(env) as pid:
        time.sleep(_SETTLE_S)
        process = psutil.Process(pid)
        before, began_s = process.cpu_times(), time.monotonic()
        time.sleep(_IDLE_S)
        after, spent_s = process.cpu_times(), time.monotonic() - began_s
        cpu_s = after.user + after.system - before.user - before.system
        memory_mb = process.memory_full_info().pss / 1e6
        threads = process.num_threads()
    return [
        at_most("start page: CPU while idle", max(0.0, 100 * cpu_s / spent_s), "%", _IDLE_AIM_PERCENT),
        Figure("start page: memory", memory_mb, "MB"),
        Figure("start page: threads", threads, ""),
    ]
