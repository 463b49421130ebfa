"""A session's states as a closed sum, the events that change them, and one pure ``transition``.

Everything shown about a session is derived from its state; there are no flags beside it.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import AppError, RoomLostError, StoppedError


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a finished session; ``charged_usd`` is the service's own, if it gave one."""

    session_id: str
    mode: Mode
    billed: bool
    duration_s: float
    estimated_usd: float
    charged_usd: float | None = None
    confirmed: bool = True
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Ending leads to the ended page."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Ending leads to a new session in the other mode, with the microphone on or off."""

    mode: Mode
    microphone: bool = False


@dataclass(frozen=True, slots=True)
class Park:
    """Ending leads to a parked stage that can be resumed."""


Next = Stop | Switch | Park


@dataclass(frozen=True, slots=True)
class Idle:
    """No session, and none requested."""


@dataclass(frozen=True, slots=True)
class Requesting:
    """The create is in flight. ``retry_in_s`` is set while the service makes us wait (429)."""

    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Joining:
    """The service granted a room; we are connecting to it."""

    grant: SessionGrant


@dataclass(frozen=True, slots=True)
class Waiting:
    """In the room, no picture of the avatar yet."""

    grant: SessionGrant


@dataclass(frozen=True, slots=True)
class Live:
    """The first remote video frame was decoded; cues and chat flow."""

    grant: SessionGrant


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection broke and is being restored. ``was_live`` is the state to return to."""

    grant: SessionGrant
    was_live: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """Teardown: DELETE and disconnect, concurrently.

    With ``error`` it ends as Failed; with a ``StoppedError`` as Ended, with a reason.
    """

    next: Next
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Over, as requested by the user, or by a limit of theirs, which ``reason`` then names."""

    summary: Summary | None
    reason: StoppedError | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """Over on the server, its stage kept for ``resume``."""

    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Over because of ``error``. ``session_id`` is set only when its end was not confirmed."""

    error: AppError
    session_id: str | None = None
    summary: Summary | None = None


SessionState = Idle | Requesting | Joining | Waiting | Live | Reconnecting | Ending | Ended | Parked | Failed


Connecting = Requesting | Joining | Waiting
"""The states before the first picture."""


@dataclass(frozen=True, slots=True)
class StartAsked:
    """The user, or a switch, requested a session."""


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """The service asked to wait; the create is retried after that. ``None``: it is being retried."""

    retry_in_s: float | None


@dataclass(frozen=True, slots=True)
class Granted:
    """The service made the session."""

    grant: SessionGrant


@dataclass(frozen=True, slots=True)
class Joined:
    """The room let us in."""


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The first remote video frame was decoded."""


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The room is reconnecting, or connected again."""

    connected: bool


@dataclass(frozen=True, slots=True)
class EndAsked:
    """The user, a limit or an error requested the end; ``error`` when it is the reason."""

    next: Next = Stop()
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """Teardown is done. ``unconfirmed_id`` names a session whose end the service did not confirm."""

    summary: Summary | None
    unconfirmed_id: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The service confirmed late that the session, over here already, is over there, too."""

    summary: Summary


@dataclass(frozen=True, slots=True)
class Stopped:
    """It was ended unasked because of ``reason``, which also explains a room lost just before."""

    reason: StoppedError


Event = (
    StartAsked
    | RetryScheduled
    | Granted
    | Joined
    | FirstFrame
    | ConnectionChanged
    | EndAsked
    | Closed
    | Confirmed
    | Stopped
)


def transition(state: SessionState, event: Event) -> SessionState:
    """Return the state after ``event``; an event without meaning in ``state`` changes nothing."""
    match event:
        case StartAsked():
            return Requesting() if is_over(state) else state
        case RetryScheduled(retry_in_s):
            return Requesting(retry_in_s) if isinstance(state, Requesting) else state
        case Granted(grant):
            return Joining(grant) if isinstance(state, Requesting) else state
        case Joined():
            return Waiting(state.grant) if isinstance(state, Joining) else state
        case FirstFrame():
            return _appear(state)
        case ConnectionChanged(connected):
            return _change_connection(state, connected)
        case EndAsked(following, error):
            return _ask_end(state, following, error)
        case Closed() | Confirmed() | Stopped():
            return _conclude(state, event)
        case _ as never:
            assert_never(never)


def _appear(state: SessionState) -> SessionState:
    if isinstance(state, Joining | Waiting):
        return Live(state.grant)
    if isinstance(state, Reconnecting):
        # The first picture came while reconnecting: it returns to Live.
        return Reconnecting(state.grant, was_live=True)
    return state


def _change_connection(state: SessionState, connected: bool) -> SessionState:
    if connected and isinstance(state, Reconnecting):
        return Live(state.grant) if state.was_live else Waiting(state.grant)
    if not connected and isinstance(state, Waiting | Live):
        return Reconnecting(state.grant, was_live=isinstance(state, Live))
    return state


def _ask_end(state: SessionState, following: Next, error: AppError | None) -> SessionState:
    if is_over(state):
        return state
    if isinstance(state, Ending):
        # A stop, or a newer switch, overrides a switch in progress; nothing overrides a stop.
        is_newer = isinstance(following, Stop) or isinstance(state.next, Switch)
        return Ending(following, state.error) if is_newer else state
    return Ending(following, error)


def _conclude(state: SessionState, event: Closed | Confirmed | Stopped) -> SessionState:
    match event:
        case Closed(summary, unconfirmed_id):
            return _close(state, summary, unconfirmed_id)
        case Confirmed(summary):
            return _confirm(state, summary)
        case Stopped(reason):
            return _explain(state, reason)
        case _ as never:
            assert_never(never)


def _close(state: SessionState, summary: Summary | None, unconfirmed_id: str | None) -> SessionState:
    if not isinstance(state, Ending):
        return state
    if isinstance(state.error, StoppedError):
        return Ended(summary, state.error)
    if state.error is not None:
        return Failed(state.error, unconfirmed_id, summary)
    match state.next:
        case Stop():
            return Ended(summary)
        case Switch():
            return Requesting()
        case Park():
            return Parked(summary)
        case _ as never:
            assert_never(never)


def _confirm(state: SessionState, summary: Summary) -> SessionState:
    if not isinstance(state, Ended | Parked | Failed):
        return state
    if state.summary is None or state.summary.session_id != summary.session_id:
        return state
    if isinstance(state, Failed):
        return Failed(state.error, None, summary)
    return replace(state, summary=summary)


def _explain(state: SessionState, reason: StoppedError) -> SessionState:
    if isinstance(state, Ending | Failed) and isinstance(state.error, RoomLostError):
        return replace(state, error=reason) if isinstance(state, Ending) else Ended(state.summary, reason)
    return state


def is_over(state: SessionState) -> bool:
    """Return whether no session exists or is being started: *Start* is possible."""
    return isinstance(state, Idle | Ended | Parked | Failed)


def grant_of(state: SessionState) -> SessionGrant | None:
    """Return the grant of a session that is joining, waiting, live or reconnecting."""
    return state.grant if isinstance(state, Joining | Waiting | Live | Reconnecting) else None
