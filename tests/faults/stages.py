"""Where in its life a paid session is when it is hurt, and how it is brought there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.e2e.program import LocalAtlas
from tests.faults.subject import Subject

CREATE: Final = {"method": "POST", "path": "/v1/realtime/session"}
DELETE: Final = {"method": "DELETE", "path": "/v1/realtime/session/*"}
HELD_S: Final = 1.5
"""How long the service holds back an answer, so that the stage lasts."""

Stage = Callable[[Subject, LocalAtlas], None]


def in_flight(subject: Subject, atlas: LocalAtlas) -> None:
    """The service has made the session; its answer is on the way."""
    atlas.order({"rest": {**CREATE, "carried_out": True, "delay_s": HELD_S}})
    subject.tell("start")
    subject.wait(atlas.open_sessions, "asked for")


def answered(subject: Subject, atlas: LocalAtlas) -> None:
    """The guard has written the id down, that very moment."""
    subject.tell("start")
    subject.wait(lambda: _is_written(subject, '"granted"'), "granted")


def joining(subject: Subject, atlas: LocalAtlas) -> None:
    """The room lets us wait at its door."""
    atlas.order({"rooms": {"connect_delay_s": HELD_S}})
    subject.tell("start")
    subject.wait(lambda: subject.life == "Joining", "Joining")


def waiting(subject: Subject, atlas: LocalAtlas) -> None:
    """In the room; the avatar does not come."""
    atlas.order({"rooms": {"late_avatar_s": 60.0}})
    subject.tell("start")
    subject.wait(lambda: subject.life == "Waiting", "Waiting")


def live(subject: Subject, atlas: LocalAtlas) -> None:
    """With a picture."""
    subject.tell("start")
    subject.wait(lambda: subject.life == "Live", "Live")


def reconnecting(subject: Subject, atlas: LocalAtlas) -> None:
    """The room's connection broke and is being mended, slowly."""
    live(subject, atlas)
    atlas.order({"rooms": {"connect_delay_s": 2 * HELD_S, "refuse_resume": True}})
    atlas.order({"room": {"order": "close_socket"}})
    subject.wait(lambda: subject.life == "Reconnecting", "Reconnecting")


def ending(subject: Subject, atlas: LocalAtlas) -> None:
    """The end was asked for; the service takes its time."""
    live(subject, atlas)
    atlas.order({"rest": {**DELETE, "delay_s": HELD_S}})
    subject.tell("end")
    subject.wait(lambda: subject.life == "Ending", "Ending")


STAGES: Final[Mapping[str, Stage]] = {
    "in flight": in_flight,
    "answered": answered,
    "joining": joining,
    "waiting": waiting,
    "live": live,
    "reconnecting": reconnecting,
    "ending": ending,
}


def _is_written(subject: Subject, word: str) -> bool:
    try:
        return word in subject.journal.read_text("utf-8")
    except FileNotFoundError:
        return False


def delete_fault(**fields: Any) -> dict[str, Any]:
    """An order for the fault desk that spoils the next DELETEs."""
    return {"rest": {**DELETE, **fields}}
