"""What is shown of a session: one frozen value, built at each change."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.limits import Allowance
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import AppError, StoppedError
from atlas_desktop.session.room_health import AVATAR_GONE_S
from atlas_desktop.session.state import (
    Connecting,
    Ended,
    Ending,
    Failed,
    Idle,
    Joining,
    Live,
    Parked,
    Reconnecting,
    Requesting,
    SessionState,
    Summary,
    Switch,
    Waiting,
    grant_of,
    is_over,
)

if TYPE_CHECKING:
    from atlas_desktop.session.activity import AgentActivity
    from atlas_desktop.session.chat import Chat
    from atlas_desktop.session.lifecycle import Lifecycle
    from atlas_desktop.session.limit_enforcer import LimitEnforcer
    from atlas_desktop.session.room_monitor import RoomMonitor
    from atlas_desktop.session.speech import SpeechOutput

AVATAR_LATE_S = 20.0
"""After this the user is asked whether to keep waiting for the picture."""


class MicState(StrEnum):
    """Whether the user's voice goes out."""

    OFF = "off"
    ON = "on"
    MUTED_FOR_CLIP = "muted_for_clip"
    """On, but silent while a clip is spoken (passthrough); it returns by itself."""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """All that is shown of a session at one moment.

    Attributes:
        state: The state; what follows from it is derived below.
        mode: The mode of this session, or of the last one.
        billed: False in a rehearsal: no cost is shown.
        source_label: Where the session comes from: a host name, "this computer".
        elapsed_s: Seconds since the service granted the session; 0 before, constant after the end.
        cost_usd: Its cost so far by our own clock; None when not billed or not known.
        price_per_hour_usd: None when not billed or not known.
        rtt_ms: Round trip to the room, measured every second while connected.
        agent_state: initializing, idle, listening, thinking or speaking; None when nothing is known.
        microphone: Whether the user's voice goes out.
        microphone_wanted: The user turned the microphone on; before the session is live it is not open yet.
        speaking: The avatar speaks, or a clip of ours is on its way to it.
        frozen: No new picture for 1.5 s while live, though the avatar did not pause it.
        gone_s: How long the avatar has been gone while live, or since the user chose to keep waiting.
        voice_muted: The room has muted our track: nothing that we say is heard.
        connecting_s: Seconds since the session was requested, until it is live; 0 otherwise.
        waited_s: Seconds of waiting for the avatar's first picture; 0 unless Waiting.
        unsent: Messages that are queued until somebody reads them.
        not_sent: Messages of earlier sessions that were never sent, and can be sent again.
        allowance: The limit that comes first; None when not billed, or not granted yet.
        left_s: Seconds until that limit.
        allowed_usd: The cost at which a limit of money stops this session, even where a time comes first;
            None when not billed or the price is not known.
        limit_near: 80 % of the allowance are used.
        limit_last: The last minute runs: a countdown, and *Extend*.
        can_extend: Whether *Extend* has an effect; on the service's own limit it has none.
        idle_left_s: Seconds until it is ended because nobody seems to be there; None while the user is not
            being asked. Any activity withdraws the question.
    """

    state: SessionState = field(default_factory=Idle)
    mode: Mode = Mode.CONVERSATION
    billed: bool = True
    source_label: str = ""
    elapsed_s: float = 0.0
    cost_usd: float | None = None
    price_per_hour_usd: float | None = None
    rtt_ms: float | None = None
    agent_state: str | None = None
    microphone: MicState = MicState.OFF
    microphone_wanted: bool = False
    speaking: bool = False
    frozen: bool = False
    gone_s: float = 0.0
    voice_muted: bool = False
    connecting_s: float = 0.0
    waited_s: float = 0.0
    unsent: int = 0
    not_sent: int = 0
    allowance: Allowance | None = None
    left_s: float | None = None
    allowed_usd: float | None = None
    limit_near: bool = False
    limit_last: bool = False
    can_extend: bool = False
    idle_left_s: float | None = None

    @property
    def state_name(self) -> str:
        """The state in one word, as shown and as read by a screen reader."""
        return state_name(self.state)

    @property
    def is_over(self) -> bool:
        """Whether no session exists or is being started: a new one can be."""
        return is_over(self.state)

    @property
    def is_live(self) -> bool:
        return isinstance(self.state, Live)

    @property
    def can_speak_text(self) -> bool:
        """Whether typed text goes to the agent to be answered (conversation), not just as chat."""
        return self.mode is Mode.CONVERSATION

    @property
    def can_interrupt(self) -> bool:
        return self.speaking and isinstance(self.state, Live | Reconnecting)

    @property
    def grant(self) -> SessionGrant | None:
        return grant_of(self.state)

    @property
    def retry_in_s(self) -> float | None:
        """Seconds until the next attempt while the service makes us wait (429)."""
        return self.state.retry_in_s if isinstance(self.state, Requesting) else None

    @property
    def avatar_late(self) -> bool:
        """Whether to ask the user to keep waiting or to end."""
        return isinstance(self.state, Waiting) and self.waited_s >= AVATAR_LATE_S

    @property
    def avatar_gone(self) -> bool:
        """Whether the avatar is gone: ask the user to wait, to end or to start again."""
        return isinstance(self.state, Live) and self.gone_s >= AVATAR_GONE_S

    @property
    def takes_messages(self) -> bool:
        """Whether a typed message is sent, now or when the session is live."""
        if isinstance(self.state, Ending):
            return isinstance(self.state.next, Switch)
        return not self.is_over

    @property
    def error(self) -> AppError | None:
        """Why it failed, or is ending."""
        return self.state.error if isinstance(self.state, Failed | Ending) else None

    @property
    def stopped(self) -> StoppedError | None:
        """Which limit, or what else, ended it unasked."""
        return self.state.reason if isinstance(self.state, Ended) else None

    @property
    def summary(self) -> Summary | None:
        """The figures of the finished session."""
        return self.state.summary if isinstance(self.state, Ended | Parked | Failed) else None

    @property
    def end_reason(self) -> EndReason:
        """Why the session is ending, or was ended: for the record of it."""
        reason = self.error or self.stopped
        return EndReason(reason.params["why"]) if isinstance(reason, StoppedError) else EndReason.ASKED


def build_snapshot(
    lifecycle: "Lifecycle",
    limits: "LimitEnforcer",
    activity: "AgentActivity",
    speech: "SpeechOutput",
    chat: "Chat",
    monitor: "RoomMonitor",
) -> SessionSnapshot:
    """Collect the snapshot of this moment; ``monitor`` is that of the current or last server session."""
    state, run = lifecycle.state, lifecycle.run
    live = isinstance(state, Live)
    standing = limits.standing
    present = live or isinstance(state, Reconnecting)
    return SessionSnapshot(
        state=state,
        mode=run.request.mode if run is not None else Mode.CONVERSATION,
        billed=run.request.source.billed if run is not None else True,
        source_label=run.request.source.label if run is not None else "",
        elapsed_s=run.cost.elapsed_s if run is not None else 0.0,
        cost_usd=run.cost.cost_usd if run is not None else None,
        price_per_hour_usd=run.cost.price_per_hour_usd if run is not None else None,
        rtt_ms=activity.rtt_ms if present else None,
        agent_state=activity.agent_state if present else None,
        microphone=speech.microphone,
        microphone_wanted=speech.microphone_wanted,
        speaking=present and (activity.speaking or speech.playing),
        frozen=live and activity.frozen and not monitor.is_picture_muted,
        gone_s=monitor.gone_s if live else 0.0,
        voice_muted=present and monitor.is_muted,
        connecting_s=run.age_s if run is not None and isinstance(state, Connecting) else 0.0,
        waited_s=lifecycle.waited_s,
        unsent=chat.unsent,
        not_sent=chat.not_sent,
        allowance=standing.allowance,
        left_s=standing.left_s,
        allowed_usd=standing.allowed_usd,
        limit_near=standing.limit_near,
        limit_last=standing.limit_last,
        can_extend=standing.can_extend,
        idle_left_s=standing.idle_left_s,
    )


def state_name(state: SessionState) -> str:
    """Return Idle, Connecting, Waiting, Live, Reconnecting, Ending, Ended, Parked or Failed."""
    match state:
        case Requesting() | Joining():
            return "Connecting"
        case Idle() | Waiting() | Live() | Reconnecting() | Ending() | Ended() | Parked() | Failed():
            return type(state).__name__
        case _ as never:
            assert_never(never)


def shown(snapshot: SessionSnapshot) -> SessionSnapshot:
    """Return ``snapshot`` rounded to what is shown: two that look the same are equal."""
    cost_usd = None if snapshot.cost_usd is None else round(snapshot.cost_usd, 2)
    return replace(
        snapshot,
        elapsed_s=int(snapshot.elapsed_s),
        connecting_s=int(snapshot.connecting_s),
        waited_s=int(snapshot.waited_s),
        gone_s=int(snapshot.gone_s),
        cost_usd=cost_usd,
        rtt_ms=None if snapshot.rtt_ms is None else round(snapshot.rtt_ms),
        # Before the last minute it is shown in step with the elapsed time.
        left_s=_whole_s(snapshot.left_s) if snapshot.limit_last else None,
        idle_left_s=_whole_s(snapshot.idle_left_s),
    )


def _whole_s(seconds: float | None) -> int | None:
    return None if seconds is None else math.ceil(seconds)
