"""The real model on services that a test drives: session, player and tasks do nothing by themselves."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.media.playout import PlayoutControl
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Idle, Live, SessionState
from atlas_desktop.session.transcript import Delivery, Message, Role
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.model import AppModel
from tests.unit.storage.rings import MemoryRing

AT_MS = 1_733_999_520_000
GRANT = SessionGrant("ses_1", "wss://example.test", "token", "room")
NOT_INTENTS = {"load", "aclose", "touch", "report", "change_settings", "sound_given"}


class Idler:
    """Takes every call and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_args, **_more: None


class FakeTranscript(Idler):
    """Holds the messages that a test puts into it."""

    def __init__(self) -> None:
        self.messages: tuple[Message, ...] = ()
        self.changed: list[Callable[[Message, int], object]] = []
        self.dropped: list[Callable[[], object]] = []

    def on_change(self, callback: Callable[[Message, int], object]) -> None:
        self.changed.append(callback)

    def on_reset(self, callback: Callable[[], object]) -> None:
        self.dropped.append(callback)

    def put(self, row: int, message: Message) -> None:
        self.messages = (*self.messages[:row], message, *self.messages[row + 1 :])
        for changed in self.changed:
            changed(message, row)

    def reset(self) -> None:
        self.messages = ()
        for dropped in self.dropped:
            dropped()


class FakeLimits(Idler):
    """Counts how often somebody was noticed."""

    touches = 0

    def touch(self) -> None:
        self.touches += 1


class FakeSession(Idler):
    """Holds the snapshot that a test shows.

    Attributes:
        takes: Whether a typed message is taken; then it stands in the transcript.
    """

    def __init__(self, life: SessionState) -> None:
        self.snapshot = SessionSnapshot(state=life)
        self.playout = PlayoutControl()
        self.transcript = FakeTranscript()
        self.changed: Callable[[SessionSnapshot], object] = lambda _snapshot: None
        self.takes = True
        self.limits = FakeLimits()

    def on_change(self, callback: Callable[[SessionSnapshot], object]) -> None:
        self.changed = callback

    def show(self, life: SessionState, **values: object) -> None:
        self.snapshot = replace(self.snapshot, state=life, **values)  # type: ignore[arg-type]
        self.changed(self.snapshot)

    def send_chat(self, text: str) -> bool:
        if self.takes:
            row = len(self.transcript.messages)
            self.transcript.put(row, Message(f"m{row + 1}", "user", text, True, AT_MS))
        return self.takes


class FakePlayer(Idler):
    """Holds the cues that a test puts into it."""

    def __init__(self) -> None:
        self.cues: tuple[Cue, ...] = ()
        self.changed: Callable[[tuple[Cue, ...]], object] = lambda _cues: None

    def on_change(self, callback: Callable[[tuple[Cue, ...]], object]) -> None:
        self.changed = callback

    def put(self, *cues: Cue) -> None:
        self.cues = cues
        self.changed(cues)

    def remove(self, cue_id: int) -> None:
        self.put(*(one for one in self.cues if one.id != cue_id))

    def reserve(self, paths: list[Path]) -> list[int]:
        return list(range(1, len(paths) + 1))


class StillScope(TaskScope):
    """Begins no task: a test of widgets needs no event loop."""

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> Any:
        work.close()
        return Idler()


class DrivenModel(AppModel):
    """The real model. ``asked`` lists the intents that came from outside it, with their arguments.

    Attributes:
        service: The session behind it.
        player: The player behind it.
    """

    def __init__(self, folder: Path, life: SessionState | None = None, **settings: object) -> None:
        profile = Profile(folder / "driven", "test")
        profile.folder.mkdir(exist_ok=True)
        # No journal is written where no folder can be: nothing is left open when the test is over.
        profile.transcripts_folder.touch()
        store = SettingsStore(profile.settings_file, write_after_s=0.01)
        store.change(**settings)
        service, player = FakeSession(life or Idle()), FakePlayer()
        super().__init__(
            cast(Any, service),
            cast(Any, player),
            cast(Any, Idler()),
            KeyStore("test", "", MemoryRing),
            store,
            Environment(),
            profile,
            StillScope("driven"),
        )
        self.service, self.player = service, player
        self.asked: list[tuple[object, ...]] = []
        self.depth = 0

    def show(self, life: SessionState, **values: object) -> None:
        """The session comes to ``life``."""
        self.service.show(life, **values)

    def live(self, **values: object) -> None:
        self.show(Live(GRANT), **values)

    def show_mode(self, mode: Mode) -> None:
        self.show(self.snapshot.state, mode=mode)

    def say(self, text: str, role: Role = "agent", *, final: bool = True) -> None:
        self.change(len(self.messages), text, role, final=final)

    def change(
        self,
        row: int,
        text: str,
        role: Role = "agent",
        *,
        final: bool = True,
        delivery: Delivery = Delivery.SENT,
    ) -> None:
        self.service.transcript.put(row, Message(f"m{row + 1}", role, text, final, AT_MS, delivery))

    def forget(self) -> None:
        self.service.transcript.reset()

    def put(self, *cues: Cue) -> None:
        self.player.put(*cues)


def _noted(name: str, intent: Callable[..., object]) -> Callable[..., object]:
    takes = len(inspect.signature(intent).parameters) - 1

    @functools.wraps(intent)
    def noted(model: DrivenModel, *words: object) -> object:
        # Of a clicked button's own arguments Qt gives a slot as many as it takes.
        words = words[:takes]
        if not model.depth:
            model.asked.append((name, *words))
        model.depth += 1
        try:
            return intent(model, *words)
        finally:
            model.depth -= 1

    return noted


for name, intent in vars(AppModel).items():
    if inspect.isfunction(intent) and not name.startswith("_") and name not in NOT_INTENTS:
        setattr(DrivenModel, name, _noted(name, intent))


def cue(cue_id: int, name: str, state: CueState = CueState.WAITING, duration_s: float | None = 12.0) -> Cue:
    position_s = 3.0 if state in (CueState.PLAYING, CueState.PAUSED) else 0.0
    peaks = (10, 90, 40) * 16 if duration_s else ()
    return Cue(cue_id, Path("sounds") / name, name, duration_s, peaks, state, None, position_s)
