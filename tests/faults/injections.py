"""Fault injections: what is done to a program, and how soon its session must be over after that."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.e2e.program import LocalAtlas
from tests.faults.hostile import CREATES, ENDS, STATUSES, Spoiler
from tests.faults.relay import Relay
from tests.faults.stages import delete_fault
from tests.faults.subject import Subject

BOUND_S: Final = 15.0
HOSTILE_BOUND_S: Final = 45.0
"""Two answers that say nothing are two pauses of the guard's, and it waits for what drips."""
_GONE_S: Final = 3.0
_ASKED_ABOUT_S: Final = 90.0


@dataclass(frozen=True)
class Scene:
    """What an injection may touch.

    Attributes:
        reopen: Opens the program anew on the same profile.
        display_gone: Takes the X server away.
        hang_s: After how long without a sign of life the guard acts.
    """

    subject: Subject
    atlas: LocalAtlas
    relay: Relay
    reopen: Callable[[], None]
    display_gone: Callable[[], None]
    hang_s: int


@dataclass(frozen=True)
class Injection:
    """One kind of fault.

    Attributes:
        inject: Does it; returns when it is over, as the bound counts from then.
        hangs: The bound counts from when the guard may notice.
        may_lose_id: In flight, nobody may be left who gets the answer: such runs are counted apart.
        must_report_loss: The program is left, and has to say so then.
        needs_display: It is about a real X display.
        spoils: Puts something else in the place of answers from before the stage on.
        stages: The only ones that it fits; empty for any.
        bound_s: How soon the session must be over.
    """

    inject: Callable[[Scene], None]
    hangs: bool = False
    may_lose_id: bool = False
    must_report_loss: bool = False
    needs_display: bool = False
    spoils: Callable[[random.Random], Spoiler] | None = None
    stages: tuple[str, ...] = ()
    bound_s: float = BOUND_S


def by_signal(number: signal.Signals) -> Injection:
    return Injection(lambda scene: scene.subject.signal(number))


def by_order(order: str, *, hangs: bool = False) -> Injection:
    return Injection(lambda scene: scene.subject.tell(order), hangs=hangs)


def raise_then_end(scene: Scene) -> None:
    """An unhandled error: the session is ended, the window stays."""
    scene.subject.tell("raise")


def network_gone(scene: Scene) -> None:
    """No call gets through for a while; the end is asked for meanwhile."""
    scene.relay.cut()
    scene.subject.tell("end")
    time.sleep(_GONE_S)
    scene.relay.mend()


def network_gone_and_killed(scene: Scene) -> None:
    """No call gets through, and the program dies meanwhile."""
    scene.relay.cut()
    scene.subject.signal(signal.SIGKILL)
    time.sleep(_GONE_S)
    scene.relay.mend()


def connections_reset(scene: Scene) -> None:
    """Every connection breaks, and none can be made for a while; the end is asked for meanwhile."""
    scene.relay.break_off()
    scene.subject.tell("end")
    time.sleep(_GONE_S)
    scene.relay.mend()


def guard_killed(scene: Scene) -> None:
    """The guard dies; the program gets another, and ends the session when asked."""
    scene.subject.kill_guard()
    time.sleep(1.0)
    scene.subject.tell("end")


def both_killed(scene: Scene) -> None:
    """Program and guard die at once; the next launch finds what they left."""
    scene.subject.signal(signal.SIGSTOP)
    scene.subject.kill_guard()
    scene.subject.signal(signal.SIGKILL)
    scene.subject.process.wait()
    scene.reopen()


def refused(**fault: object) -> Injection:
    """The DELETE fails twice in this way; the end is asked for."""

    def inject(scene: Scene) -> None:
        scene.atlas.order(delete_fault(times=2, **fault))
        scene.subject.tell("end")

    return Injection(inject)


def refused_and_killed(**fault: object) -> Injection:
    """The DELETE fails twice in this way, and the program is dead."""

    def inject(scene: Scene) -> None:
        scene.atlas.order(delete_fault(times=2, **fault))
        scene.subject.signal(signal.SIGKILL)

    return Injection(inject)


def end_asked(scene: Scene) -> None:
    """The session is to be ended; of one that never came about nothing is left to be asked."""
    scene.subject.tell("end")


def killed(scene: Scene) -> None:
    """The program dies."""
    scene.subject.signal(signal.SIGKILL)


def asked_about(scene: Scene) -> None:
    """The guard asks how the session stands, once a minute; then the program dies."""
    spoiler = scene.relay.spoiler
    assert spoiler is not None
    scene.subject.wait(lambda: spoiler.names, "asked about", _ASKED_ABOUT_S)
    killed(scene)


def hostile_create(
    inject: Callable[[Scene], None], *, may_lose_id: bool = False, must_report_loss: bool = False
) -> Injection:
    """The session is made, but what comes back is something else; then ``inject``."""
    return Injection(
        inject,
        may_lose_id=may_lose_id,
        must_report_loss=must_report_loss,
        spoils=lambda chance: Spoiler("POST", CREATES, 1, True, chance, []),
        stages=("in flight", "answered"),
        bound_s=HOSTILE_BOUND_S,
    )


def hostile_end(inject: Callable[[Scene], None]) -> Injection:
    """The first DELETEs are not carried out, and what comes back says nothing; ``inject`` begins them."""
    return Injection(
        inject,
        spoils=lambda chance: Spoiler("DELETE", ENDS, 2, False, chance, []),
        stages=("joining", "waiting", "live", "reconnecting"),
        bound_s=HOSTILE_BOUND_S,
    )


HOSTILE: Final[Mapping[str, Injection]] = {
    "hostile create": hostile_create(end_asked),
    "hostile create, killed": hostile_create(killed),
    "hostile create, guard killed": hostile_create(guard_killed, may_lose_id=True, must_report_loss=True),
    "hostile create, both killed": hostile_create(both_killed, may_lose_id=True),
    "hostile end": hostile_end(end_asked),
    "hostile end, killed": hostile_end(killed),
    "hostile end, guard killed": hostile_end(guard_killed),
    "hostile end, both killed": hostile_end(both_killed),
    "hostile status": Injection(
        asked_about,
        spoils=lambda chance: Spoiler("GET", STATUSES, 2, False, chance, []),
        stages=("live",),
        bound_s=HOSTILE_BOUND_S,
    ),
}
"""Answers that do harm: ``hostile``. The next launch is the last resort."""

INJECTIONS: Final[Mapping[str, Injection]] = {
    "SIGKILL": by_signal(signal.SIGKILL),
    "SIGTERM": by_signal(signal.SIGTERM),
    "SIGINT": by_signal(signal.SIGINT),
    "SIGHUP": by_signal(signal.SIGHUP),
    "SIGSEGV": by_signal(signal.SIGSEGV),
    "abort in a native thread": by_order("abort"),
    "unhandled error": Injection(raise_then_end),
    "UI thread stuck": by_order("stick", hangs=True),
    "stuck, interpreter locked": by_order("stick-gil", hangs=True),
    "window closed": by_order("close"),
    "X server gone": Injection(lambda scene: scene.display_gone(), needs_display=True),
    "network gone and back": Injection(network_gone),
    "network gone and back, killed": Injection(network_gone_and_killed),
    # The answer to a create is lost with its connection: no client could know the id.
    "connections reset": Injection(connections_reset, may_lose_id=True),
    "DELETE 500": refused(status=500),
    "DELETE 429": refused(status=429, retry_after="2"),
    "DELETE times out": refused(drop=True),
    "DELETE HTML 502": refused(status=502, body="html"),
    "DELETE 500, killed": refused_and_killed(status=500),
    "DELETE 429, killed": refused_and_killed(status=429, retry_after="2"),
    "DELETE HTML 502, killed": refused_and_killed(status=502, body="html"),
    "guard killed": Injection(guard_killed, may_lose_id=True, must_report_loss=True),
    "both killed, next launch": Injection(both_killed, may_lose_id=True),
}

KINDS: Final[Mapping[str, Mapping[str, Injection]]] = {"harm": INJECTIONS, "hostile": HOSTILE}
ALL: Final[Mapping[str, Injection]] = {**INJECTIONS, **HOSTILE}
