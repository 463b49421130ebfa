"""``python -m tests.bench.versus.performance``: writes docs/performance.md and its plot of the runs kept."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.bench.versus.goals import GOALS, Pair, Reached, Run, reached
from tests.bench.versus.plot import plot

RUNS = Path("out/versus/runs.jsonl")
_PAGE, _PLOT = Path("docs/performance.md"), Path("docs/performance.svg")
_CHROMIUM, _LOWEST, _FAILED = "chromium", "program, lowest delay", "failed"

_HEAD = """# Beside the browser

Atlas Desktop and Chromium with livekit-client, measured on the same stream, one after the other, by
`make bench-versus`. This page is written by it; do not edit it by hand.

![What the program takes and how late it is, as shares of Chromium's figures](performance.svg)
"""
_HOW = """
## How it is measured

- The sender is a local Atlas in a process of its own. Its avatar shows a drawn, moving face with the frame's
  number as a bar code, and plays a quiet tone with a beep as each second begins; both are logged as they are
  handed over.
- The *program* is the full window as its user starts it: overlay, transcript and meters on, its guard
  counted. *Chromium* is Debian's, in kiosk mode without a GPU, with a page that does what an application
  built on livekit-client does; the page shows the same words and paints the picture in the same size.
- *Picture* is the time from the sender's hand to the X screen: the bar code is read 500 times a second from
  the frame buffer of the virtual screen. *Shown* is counted against the frames sent meanwhile: a freeze
  counts.
- *Sound* is the time from the sender's hand to the sound server's card. Both viewers are heard by the same
  recorder; a real card adds its own delay to either. A gap in the tone of 4 ms or more is a dropout.
- *Skew* is how much later a beep is heard than its frame is seen (without its sign in the tables).
- *Start* is the time from a press of its keys, in a window that has been open for 6 s, to the first bar code
  on the screen. In the last table also from the session's creation at the sender, and from the launch of a
  viewer that starts by itself.
- Neither viewer may raise its own priority, which Chromium does as root, and can't as a user. There is
  a RealtimeKit, as on desktops: the program asks it for the threads of its sound, Chromium does not.
- *2 busy*: two processes that never rest, in the viewer's own session; Linux's sharing among sessions
  (`sched_autogroup`) is off meanwhile, where we may: with it the machine itself stands still now and then.
  *Stalled*: the main thread stands still for 500 ms every 3 s, in the page by a request that is waited for.
- Each figure is the median of all pairs, with the lowest and the highest in brackets. A ratio is that of
  the two runs of one pair.
"""

_MORE = "\n[Where the time goes, what was tried, and what would bring more](profile.md)\n"


def write(runs: Path = RUNS) -> None:
    """Writes page and plot."""
    kept = [json.loads(line) for line in runs.read_text("utf-8").splitlines()]
    found = judged(kept)
    _PAGE.write_text(page(kept, found), "utf-8")
    _PLOT.write_text(plot(found), "utf-8")
    print(_PAGE)


def judged(runs: Iterable[Run]) -> list[Reached]:
    """What became of each goal that was measured."""
    grouped = _pairs(runs)
    all_found = (reached(goal, grouped[goal.stream, goal.condition, goal.viewer]) for goal in GOALS)
    return [found for found in all_found if found is not None]


def page(runs: list[Run], found: list[Reached]) -> str:
    """The page's text."""
    parts = [_HEAD, _about(runs)]
    for stream in dict.fromkeys(one.goal.stream for one in found):
        rows = [_row(one) for one in found if one.goal.stream == stream]
        head = "| | program | Chromium | ratio | goal | |\n|---|---|---|---|---|---|"
        parts.append("\n".join([f"\n## {stream}\n", head, *rows, ""]))
    parts += [_everything(runs), _HOW, _MORE]
    return "".join(parts)


def _pairs(runs: Iterable[Run]) -> dict[tuple[str, str, str], list[Pair]]:
    theirs: dict[tuple[str, str, str], Run] = {}
    ours: list[Run] = []
    for run in runs:
        if _FAILED in run:
            continue
        if run["viewer"] == _CHROMIUM:
            theirs[run["pair"], run["stream"], run["condition"]] = run
        else:
            ours.append(run)
    grouped = defaultdict(list)
    for run in ours:
        other = theirs.get((run["pair"], run["stream"], run["condition"]))
        if other is not None:
            grouped[run["stream"], run["condition"], run["viewer"]].append((run, other))
    return grouped


def _about(runs: list[Run]) -> str:
    machine = runs[-1]["machine"]
    loads = [run["load_before"] for run in runs]
    lengths = " or ".join(f"{seconds:g}" for seconds in sorted({run["seconds"] for run in runs}))
    failed = [run for run in runs if _FAILED in run]
    lowest = any(run["viewer"] == _LOWEST for run in runs)
    never = [f"{run['viewer']} ({run['stream']}, {run['condition']})" for run in failed]
    return (
        f"\nMeasured from {runs[0]['at'][:10]} to {runs[-1]['at'][:10]}: {len(runs)} runs of "
        f"{lengths} s on {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gb']} GB, {machine['system']}, no GPU. "
        f"Load before a run: {min(loads)} to {max(loads)}.\n"
        + (f"\nNever showed a picture: {', '.join(never)}.\n" if never else "")
        + ("" if lowest else "\nWithout the lowest-delay way; the program may have had no lip sync either.\n")
    )


def _row(one: Reached) -> str:
    ratio = _spread(one.ratio, 2) if one.ratio is not None else ""
    verdict = "kept" if one.kept else "missed"
    cells = [one.goal.title, _spread(one.ours), _spread(one.theirs), ratio, one.goal.bound, verdict]
    return f"| {' | '.join(cells)} |"


def _spread(values: tuple[float, float, float], digits: int = 1) -> str:
    middle, low, high = (f"{value:.{digits}f}" for value in values)
    return middle if low == high else f"{middle} ({low} – {high})"


def _everything(runs: list[Run]) -> str:
    """Every stream and condition that was measured, promised or not."""
    names = {
        "cpu_percent": "CPU %",
        "pss_mb": "PSS MB",
        "shown_percent": "shown %",
        "glass_p50_ms": "picture p50",
    }
    names |= {"glass_p95_ms": "p95", "glass_p99_ms": "p99", "gaps": "gaps", "sound_ms": "sound"}
    names |= {
        "sound_growth_ms": "growth",
        "skew_ms": "skew",
        "skew_worst_ms": "worst",
        "dropouts": "dropouts",
    }
    names |= {"pressed_ms": "from the press", "start_ms": "from creation", "launch_ms": "from launch"}
    grouped = defaultdict(list)
    for run in runs:
        ppm = f", sound {run['sound_ppm']:+g} ppm, {run['seconds'] / 60:g} min" if run["sound_ppm"] else ""
        grouped[f"{run['stream']} {run['condition']}{ppm}", run["viewer"]].append(run)
    head = f"| | | runs | {' | '.join(names.values())} |\n|---|---|---|{'---|' * len(names)}"
    rows = [
        f"| {what} | {viewer} | {len(group)} | {' | '.join(_median(group, name) for name in names)} |"
        for (what, viewer), group in grouped.items()
    ]
    return "\n".join(["\n## Everything measured (medians; times in ms)\n", head, *rows, ""])


def _median(group: list[Run], name: str) -> str:
    values = sorted(run[name] for run in group if run.get(name) is not None)
    return f"{values[len(values) // 2]:g}" if values else "–"


if __name__ == "__main__":
    write()
