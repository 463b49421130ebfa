"""One run: a sender, one viewer, and what was seen and heard of it."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from PIL import Image

from tests.bench.versus.calibration import play_beeps
from tests.bench.versus.card import recorder
from tests.bench.versus.glass import FrameBuffer
from tests.bench.versus.logs import Logs
from tests.bench.versus.place import Place
from tests.bench.versus.stream import Stream
from tests.bench.versus.usage import Tree, marked
from tests.bench.versus.viewers import START_KEYS, Address, Viewer, Way
from tests.desk.process import DeskError, running, wait_until
from tests.desk.sound import SPEAKER
from tests.e2e.hands import Hands

CONDITIONS = ("idle", "busy", "stalled", "start", "unprivileged")
"""``start``: the session is begun by hand, in a window that has been open for a while.
``unprivileged``: neither the sound server nor a viewer may go before other programs."""
_BUSY_PROCESSES, _GO = 2, "go"
_FIRST_FRAME_LIMIT_S = 40.0
_SETTLE_S = 4.0
_OPEN_S = 6.0
_LOOK_EVERY_S = 60.0
_LAST_S, _QUIET_S = 1.5, 0.5
# Root may give itself priority, and Chromium does: its users can't.
_AS_A_USER = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice")


@dataclass(frozen=True, slots=True)
class Order:
    """What is measured, and for how long."""

    stream: Stream
    condition: str = "idle"
    seconds: float = 20.0
    sound_ppm: float = 0.0


def measure(viewer: Viewer, order: Order, place: Place, picture: Path | None = None) -> dict[str, Any]:
    """Runs one viewer and returns its figures.

    Args:
        picture: Where the screen is kept as it was at the end.
    """
    with TemporaryDirectory(prefix="versus-", ignore_cleanup_errors=True) as name:
        logs = Logs(Path(name))
        with _sender(order, place, logs) as address, _recorders(place, logs):
            with ExitStack() as viewing:
                launched_s = time.monotonic()
                pid, pressed_s = viewing.enter_context(_viewer(viewer, order, address, place, logs))
                began_s, ended_s, taken = _watched(Tree(pid, name), order.seconds)
                if picture is not None:
                    Image.fromarray(FrameBuffer(place.pixels).rgb.copy()).save(picture)
                # What was sent last is still on its way.
                time.sleep(_LAST_S)
            time.sleep(_QUIET_S)
            handed_s = play_beeps(place.env)
            time.sleep(_QUIET_S)
        figures = logs.figures(order.stream.rate_hz, launched_s, pressed_s, began_s, ended_s)
        if pressed_s is not None:
            # So soon nothing else has settled.
            return {"viewer": viewer.name, **{name: figures[name] for name in ("pressed_ms", "start_ms")}}
        return {"viewer": viewer.name, **taken, **figures, "card_ms": logs.card_ms(handed_s)}


@contextmanager
def _viewer(
    viewer: Viewer, order: Order, at: Address, place: Place, logs: Logs
) -> Iterator[tuple[int, float | None]]:
    """Runs the viewer; comes back once it shows the stream and has settled.

    Gives its process id, and when it was told to start, if it was.
    """
    env = marked(place.env, str(logs.folder))
    go, beside = logs.folder / _GO, list(_AS_A_USER if os.geteuid() == 0 else ())
    if order.condition == "busy":
        beside += [sys.executable, "-m", "tests.bench.versus.beside", str(go), str(_BUSY_PROCESSES)]
    way = Way(order.condition == "stalled", order.condition == "start", beside)
    with viewer.open(at, env, logs.folder, way) as process:
        pressed_s = _pressed(env) if way.pressed else None
        try:
            wait_until(lambda: bool(logs.looks()), viewer.name, logs.viewer, _FIRST_FRAME_LIMIT_S)
        except DeskError as error:
            own = [path.read_text("utf-8")[-3000:] for path in logs.folder.glob("profile/log/*.log")]
            raise DeskError("\n".join([str(error), *own])) from error
        go.touch()
        time.sleep(_SETTLE_S)
        yield process.pid, pressed_s


def _pressed(env: Mapping[str, str]) -> float:
    """Starts the session by hand once the window has been open for a while; returns when, in s."""
    time.sleep(_OPEN_S)
    hands = Hands(env)
    # The program that presses takes its time, too: once for nothing.
    hands.key("Shift_L")
    return hands.key(START_KEYS)


def _watched(tree: Tree, seconds: float) -> tuple[float, float, dict[str, Any]]:
    """Lets it run; returns when that began and ended, and what it took."""
    psutil.cpu_percent()
    before, began_s = tree.taken(), time.monotonic()
    memory_mb = _memory_over(tree, seconds)
    after, ended_s = tree.taken(), time.monotonic()
    machine_percent = psutil.cpu_percent()
    share = 100 / (ended_s - began_s)
    roles, spent = tree.roles(), after.since(before)
    parts = [(roles.get(who, "?"), round(cpu_s * share, 1)) for who, cpu_s in spent.items()]
    return (
        began_s,
        ended_s,
        {
            "cpu_percent": round(sum(spent.values()) * share, 1),
            "cpu_parts": parts,
            "machine_percent": machine_percent,
            "pss_mb": round(memory_mb[-1], 1),
            "pss_over_time_mb": [round(one, 1) for one in memory_mb],
        },
    )


def _memory_over(tree: Tree, seconds: float) -> list[float]:
    """Lets ``seconds`` pass; returns what it held now and then, and at the end."""
    looks = int(seconds // _LOOK_EVERY_S)
    until_s, held_mb = time.monotonic() + seconds, []
    for _ in range(looks):
        time.sleep(_LOOK_EVERY_S)
        held_mb.append(tree.pss_mb())
    time.sleep(max(0.0, until_s - time.monotonic()))
    return [*held_mb, tree.pss_mb()]


@contextmanager
def _sender(order: Order, place: Place, logs: Logs) -> Iterator[Address]:
    words = [sys.executable, "-m", "tests.bench.versus.sender", str(order.stream), str(logs.sent)]
    with running([*words, str(order.sound_ppm)], place.env, logs.others, stdout=PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise DeskError(logs.others.read_text()[-2000:])
        yield Address(**json.loads(line))


@contextmanager
def _recorders(place: Place, logs: Logs) -> Iterator[None]:
    """Watches the screen and listens to the card during the block."""
    glass = [sys.executable, "-m", "tests.bench.versus.glass", str(place.pixels), str(logs.seen)]
    card = recorder(f"{SPEAKER}.monitor", logs.heard, logs.heard_times)
    with running(glass, place.env, logs.others), running(card, place.env, logs.others):
        times = logs.heard_times
        wait_until(lambda: times.exists() and times.stat().st_size > 0, "the recorder", logs.others)
        yield
