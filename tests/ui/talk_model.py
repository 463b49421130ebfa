"""A model that talks: messages and cues as it is told, and every intent written down."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Live, SessionState
from atlas_desktop.session.transcript import Delivery, Message, Role

AT_MS = 1_733_999_520_000
GRANT = SessionGrant("ses_1", "wss://example.test", "token", "room")


class TalkingModel(QObject):
    session_changed = Signal(object)
    mode_changed = Signal(object)
    message_changed = Signal(int, object)
    transcript_reset = Signal()
    text_offered = Signal(str)
    cues_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.messages: tuple[Message, ...] = ()
        self.cues: tuple[Cue, ...] = ()
        self.snapshot = SessionSnapshot(state=Live(GRANT))
        self.mode = Mode.CONVERSATION
        self.takes = True
        self.asked: list[tuple[object, ...]] = []

    def live_through(self, life: SessionState, **values: object) -> None:
        self.snapshot = replace(self.snapshot, state=life, **values)  # type: ignore[arg-type]
        self.session_changed.emit(self.snapshot)

    def show_mode(self, mode: Mode) -> None:
        self.mode = mode
        self.live_through(self.snapshot.state, mode=mode)
        self.mode_changed.emit(mode)

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
        message = Message(f"m{row + 1}", role, text, final, AT_MS, delivery)
        self.messages = (*self.messages[:row], message, *self.messages[row + 1 :])
        self.message_changed.emit(row, message)

    def forget(self) -> None:
        self.messages = ()
        self.transcript_reset.emit()

    def put(self, *cues: Cue) -> None:
        self.cues = cues
        self.cues_changed.emit(cues)

    def send(self, text: str) -> bool:
        self.asked.append(("send", text))
        if self.takes:
            self.say(text, "user")
        return self.takes

    def send_again(self) -> None:
        self.asked.append(("send_again",))

    def play_cue(self, cue_id: int | None = None) -> None:
        self.asked.append(("play_cue", cue_id))

    def pause_cue(self) -> None:
        self.asked.append(("pause_cue",))

    def seek_cue(self, position_s: float) -> None:
        self.asked.append(("seek_cue", position_s))

    def next_cue(self) -> None:
        self.asked.append(("next_cue",))

    def remove_cue(self, cue_id: int) -> None:
        self.asked.append(("remove_cue", cue_id))
        self.put(*(cue for cue in self.cues if cue.id != cue_id))


def cue(cue_id: int, name: str, state: CueState = CueState.WAITING, duration_s: float | None = 12.0) -> Cue:
    position_s = 3.0 if state in (CueState.PLAYING, CueState.PAUSED) else 0.0
    peaks = (10, 90, 40) * 16 if duration_s else ()
    return Cue(cue_id, Path("sounds") / name, name, duration_s, peaks, state, None, position_s)
