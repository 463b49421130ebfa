"""What a rehearsal costs, by the program's own test calls."""

import json
import statistics
from collections.abc import Mapping
from typing import Any

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.runs import output

_STARTS = 3
_SHORT_S = 2
_LONG_S = 30
_COLD_AIM_MS, _WARM_AIM_MS = 2500, 1000
_SHOWN_AIM_PERCENT = 99.5
_RATE_HZ = 25


def rehearsal(env: Mapping[str, str]) -> list[Figure]:
    """Rehearse → picture, cold and warm, and what half a minute of it takes."""
    calls = [_call(env, _SHORT_S) for _ in range(_STARTS - 1)]
    long = _call(env, _LONG_S)
    calls.append(long)
    return [
        at_most(
            "Rehearse → first frame, nothing running", _median(calls, "first_frame_ms"), "ms", _COLD_AIM_MS
        ),
        at_most(
            "Rehearse → first frame, local Atlas up",
            _median(calls, "first_frame_again_ms"),
            "ms",
            _WARM_AIM_MS,
        ),
        Figure("Rehearse → first sound, nothing running", _median(calls, "first_sound_ms"), "ms"),
        at_least("frames shown of frames received", long["shown_percent"], "%", _SHOWN_AIM_PERCENT),
        at_least(
            "frames received a second", round(long["frames_received"] / long["seconds"], 1), "Hz", _RATE_HZ
        ),
        Figure("longest time between two frames shown", long["longest_gap_ms"], "ms"),
        Figure("a frame's conversion and painting", long["frame_cost_ms"], "ms"),
        at_most("sound: times the device ran dry", long["underruns"], "", 0),
        at_most("sound: times none came in time", long["starved"], "", 0),
        Figure("round trip to the room", long["round_trip_ms"], "ms"),
        Figure("program: CPU", long["cpu_percent"], "%"),
        Figure("program: memory", long["memory_mb"], "MB"),
        Figure("program: threads", long["threads"], ""),
        Figure("local Atlas: CPU", long["local_atlas_cpu_percent"], "%"),
        Figure("local Atlas: memory", long["local_atlas_memory_mb"], "MB"),
    ]


def _call(env: Mapping[str, str], seconds: int) -> dict[str, Any]:
    words = ("atlas_desktop", "check", "--local", "--json", "--seconds", str(seconds))
    report: dict[str, Any] = json.loads(output(env, *words))
    return report


def _median(calls: list[dict[str, Any]], name: str) -> float | None:
    values = [call[name] for call in calls if call[name] is not None]
    return statistics.median(values) if len(values) == len(calls) else None
