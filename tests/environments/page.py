"""``docs/environments.md``: what was tried, and what came of it, as the run found it."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.environments.matrix import AXES
from tests.environments.trial import SECONDS, Outcome

PAGE = Path("docs/environments.md")

_HEAD = """# Environments

The real program in a rehearsal of {seconds} s on a desk of each kind: its locale, its sound server, the
proxy that its environment names, X11 or Wayland, and its keyring. Not every combination, but {count} of
{all}: a covering array of strength 2, in which every two values of different columns meet at least once
(greedy, as in AETG). Most faults of this kind take one or two circumstances. `make environments` runs
them and writes this page.

*Heard* is what the sound card gave, recorded from outside the program. *Ran dry*: how often the speaker
had nothing to play although sound had come in time, and for want of sound. A rehearsal is on this
computer: the proxy is asked for nothing.

{when}, {system}, load {load:.1f} on {cores} cores.

"""
_COLUMNS = ("frames shown", "longest gap", "ran dry", "heard", "exit", "result")
_LEGEND = """
## What the columns mean

- **sound**: PulseAudio, and PipeWire with its PulseAudio server; *no realtime*: neither the server nor
  the program may go before other programs, as on a desk without RealtimeKit.
- **proxy**: what `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` name, in capitals and not. *HTTP*: one that
  works and writes down what it is asked for; *HTTP, dead*: nobody answers; *SOCKS*: `socks://…`, with a
  `NO_PROXY` that holds an IPv6 network.
- **session**: X11 is Xvfb with openbox, Wayland is Weston without a screen; both paint by the processor.
- **keyring**: GNOME's, unlocked; GNOME's, locked, which would ask a person; none, and no KWallet.
"""


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """The page."""
    every = 1
    for values in AXES.values():
        every *= len(values)
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    system = (
        f"{platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())}, {platform.machine()}"
    )
    load, cores = os.getloadavg()[2], os.cpu_count()
    head = _HEAD.format(
        seconds=SECONDS, count=len(outcomes), all=every, when=when, system=system, load=load, cores=cores
    )
    titles = (*AXES, *_COLUMNS)
    lines = [_line(titles), "|" + "---|" * len(titles), *(_line(_row(outcome)) for outcome in outcomes)]
    return head + "\n".join(lines) + "\n" + _LEGEND


def _line(words: Sequence[str]) -> str:
    return "| " + " | ".join(word.replace("|", "\\|").replace("\n", " ") for word in words) + " |"


def _row(outcome: Outcome) -> list[str]:
    values = [outcome.cell[axis] for axis in AXES]
    if outcome.missing:
        return [*values, "", "", "", "", "", f"not tried: {outcome.missing}"]
    result = "; ".join(outcome.faults) or "good"
    if not outcome.report:
        return [*values, "", "", "", f"{outcome.heard_s:.1f} s", outcome.exit_words, result]
    report = outcome.report
    shown = f"{report['frames_shown']} of {report['frames_received']}"
    gap = "" if report["longest_gap_ms"] is None else f"{report['longest_gap_ms']:.0f} ms"
    dry = f"{report['underruns']} + {report['starved']}"
    return [*values, shown, gap, dry, f"{outcome.heard_s:.1f} s", outcome.exit_words, result]
