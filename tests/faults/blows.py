"""The faults: what is done to a program, and how soon its session must be over after that."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.e2e.program import LocalAtlas
from tests.faults.relay import Relay
from tests.faults.stages import delete_fault
from tests.faults.subject import Subject

BOUND_S: Final = 15.0
_GONE_S: Final = 3.0


@dataclass(frozen=True)
class Scene:
    """What a blow may touch.

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
class Blow:
    """One kind of fault.

    Attributes:
        strike: Does it; returns when it is over, as the bound counts from then.
        hangs: The bound counts from when the guard may notice.
        may_lose_id: In flight, nobody may be left who hears the answer.
        needs_display: It is about a real X display.
    """

    strike: Callable[[Scene], None]
    hangs: bool = False
    may_lose_id: bool = False
    needs_display: bool = False


def by_signal(number: signal.Signals) -> Blow:
    return Blow(lambda scene: scene.subject.signal(number))


def by_order(order: str, *, hangs: bool = False) -> Blow:
    return Blow(lambda scene: scene.subject.tell(order), hangs=hangs)


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


def refused(**fault: object) -> Blow:
    """The DELETE fails twice in this way; the end is asked for."""

    def strike(scene: Scene) -> None:
        scene.atlas.order(delete_fault(times=2, **fault))
        scene.subject.tell("end")

    return Blow(strike)


def refused_and_killed(**fault: object) -> Blow:
    """The DELETE fails twice in this way, and the program is dead."""

    def strike(scene: Scene) -> None:
        scene.atlas.order(delete_fault(times=2, **fault))
        scene.subject.signal(signal.SIGKILL)

    return Blow(strike)


BLOWS: Final[Mapping[str, Blow]] = {
    "SIGKILL": by_signal(signal.SIGKILL),
    "SIGTERM": by_signal(signal.SIGTERM),
    "SIGINT": by_signal(signal.SIGINT),
    "SIGHUP": by_signal(signal.SIGHUP),
    "SIGSEGV": by_signal(signal.SIGSEGV),
    "abort in a native thread": by_order("abort"),
    "unhandled error": Blow(raise_then_end),
    "UI thread stuck": by_order("stick", hangs=True),
    "stuck, interpreter locked": by_order("stick-gil", hangs=True),
    "window closed": by_order("close"),
    "X server gone": Blow(lambda scene: scene.display_gone(), needs_display=True),
    "network gone and back": Blow(network_gone),
    "network gone and back, killed": Blow(network_gone_and_killed),
    # The answer to a create is lost with its connection: no client could know the id.
    "connections reset": Blow(connections_reset, may_lose_id=True),
    "DELETE 500": refused(status=500),
    "DELETE 429": refused(status=429, retry_after="2"),
    "DELETE times out": refused(drop=True),
    "DELETE HTML 502": refused(status=502, body="html"),
    "DELETE 500, killed": refused_and_killed(status=500),
    "DELETE 429, killed": refused_and_killed(status=429, retry_after="2"),
    "DELETE HTML 502, killed": refused_and_killed(status=502, body="html"),
    "guard killed": Blow(guard_killed, may_lose_id=True),
    "both killed, next launch": Blow(both_killed, may_lose_id=True),
}
