"""One combination: a desk of that kind, a rehearsal of the real program on it, and what came of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.desk.bus import session_bus
from tests.desk.display import display
from tests.desk.keyring import secret_service
from tests.desk.languages import with_locale
from tests.desk.process import DeskError
from tests.desk.sound import RATE_HZ, WITHOUT_LEAVE, Card, Kind, sound
from tests.desk.wayland import wayland
from tests.e2e.ears import Hearing
from tests.environments.matrix import Cell
from tests.unit.connect_proxy import ConnectProxy

SECONDS = 10
"""Long enough for the statistics of the sixth second, at which a decimal comma once was the end."""

_LIMIT_S = 120.0
_HEARD_S = 1.0
_SHOWN_PERCENT = 50.0
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_NOT_INHERITED = ("ATLAS_", "XDG_", "LC_", "PULSE_", "PIPEWIRE_", "WAYLAND_", "NO_PROXY", "no_proxy")


@dataclass(slots=True)
class Outcome:
    """What one combination gave.

    Attributes:
        cell: The combination.
        missing: What the desk lacks to try it; empty when it was tried.
        status: The program's exit status; below 0 the signal that killed it.
        report: The program's own figures; empty when it gave none.
        heard_s: For how long the sound card was audible.
        asked_proxy: What the proxy was asked for. A rehearsal is on this computer: nothing.
        last_words: The end of what the program wrote to stderr.
    """

    cell: Cell
    missing: str = ""
    status: int | None = None
    report: dict[str, Any] = field(default_factory=dict)
    heard_s: float = 0.0
    asked_proxy: list[str] = field(default_factory=list)
    last_words: str = ""

    @property
    def faults(self) -> list[str]:
        """What a person would complain of; empty when all is well, or it was not tried."""
        if self.missing:
            return []
        found = [f"exit status {self.exit_words}"] if self.status else []
        found += self.report.get("problems", [])
        if self.report and (self.report["shown_percent"] or 0.0) < _SHOWN_PERCENT:
            found.append("too few frames were shown")
        if self.heard_s < _HEARD_S:
            found.append("nothing was heard at the card")
        if self.asked_proxy:
            found.append(f"the proxy was asked for {', '.join(self.asked_proxy)}")
        return found

    @property
    def exit_words(self) -> str:
        if self.status is not None and self.status < 0:
            return f"{self.status} ({signal.Signals(-self.status).name})"
        return str(self.status)


def run(cell: Cell, seconds: int = SECONDS) -> Outcome:
    """Tries ``cell``: never raises for what is wrong with the program or missing on this computer."""
    outcome = Outcome(cell)
    try:
        with TemporaryDirectory(prefix="environment-") as folder, desk(cell) as (card, proxy):
            _rehearse(outcome, card, Path(folder), seconds)
            outcome.asked_proxy = proxy.targets if proxy is not None else []
    except DeskError as error:
        outcome.missing = str(error)
    return outcome


@contextmanager
def desk(cell: Cell) -> Iterator[tuple[Card, ConnectProxy | None]]:
    """Everything that ``cell`` asks for; the card's ``env`` leads to it. The proxy, where it names one.

    Raises:
        DeskError: A part of it is missing.
    """
    bare = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith((*_NOT_INHERITED, *_PROXY_NAMES))
    }
    with ExitStack() as stack:
        env = stack.enter_context(session_bus(with_locale(bare, cell["locale"])))
        if cell["keyring"] != "none":
            unlocked = not cell["keyring"].endswith("locked")
            env = stack.enter_context(secret_service(env, unlocked))
        env = stack.enter_context(wayland(env) if cell["session"] == "Wayland" else display(env))
        proxy = stack.enter_context(ConnectProxy()) if cell["proxy"].startswith("HTTP") else None
        env |= _proxies(cell["proxy"], proxy)
        kind: Kind = "pipewire" if cell["sound"].startswith("PipeWire") else "pulseaudio"
        card = stack.enter_context(sound(env, kind, realtime="no realtime" not in cell["sound"]))
        yield card, proxy


def _proxies(kind: str, proxy: ConnectProxy | None) -> Mapping[str, str]:
    if kind == "none":
        return {}
    if kind == "SOCKS":
        # As some desktops write it, for all programs alike; httpx knows only socks5.
        return {**dict.fromkeys(_PROXY_NAMES, "socks://127.0.0.1:1080"), "NO_PROXY": "::1/128"}
    # Port 9 is the one that discards: nobody listens there.
    address = "127.0.0.1:9" if proxy is None or kind.endswith("dead") else proxy.address
    return dict.fromkeys(_PROXY_NAMES, f"http://ann:secret@{address}")


def _rehearse(outcome: Outcome, card: Card, folder: Path, seconds: int) -> None:
    before = WITHOUT_LEAVE if "no realtime" in outcome.cell["sound"] else ()
    words = [*before, sys.executable, "-m", "atlas_desktop", "check", "--local", "--json"]
    words += ["--seconds", str(seconds), "--out", str(folder)]
    with card.recording() as recording:
        try:
            done = subprocess.run(words, env=card.env, capture_output=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            outcome.last_words = f"not done after {_LIMIT_S:.0f} s: {_tail(error.stderr)}"
            outcome.status = -signal.SIGKILL
            return
        heard = recording.samples().mean(axis=1).astype(np.float32) / 32768
    outcome.status, outcome.last_words = done.returncode, _tail(done.stderr)
    outcome.heard_s = Hearing.of(heard, RATE_HZ).sounding_s()
    report = folder / "check.json"
    if report.exists():
        outcome.report = json.loads(report.read_text("utf-8"))


def _tail(stderr: bytes | None) -> str:
    return (stderr or b"").decode(errors="replace").strip()[-500:]
