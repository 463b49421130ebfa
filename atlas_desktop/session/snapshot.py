"""What is shown of a session: one frozen value, made anew at each change."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from atlas_desktop.api.limits import Allowance
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import AppError, StoppedError
from atlas_desktop.session.avatar_monitor import AVATAR_GONE_S
from atlas_desktop.session.life import (
    Ended,
    Ending,
    Failed,
    Idle,
    Joining,
    Life,
    Live,
    Parked,
    Reconnecting,
    Requesting,
    Summary,
    Switch,
    Waiting,
    grant_of,
    is_over,
)

AVATAR_LATE_S = 20.0
"""From here on the user is asked whether to keep waiting for the picture."""


class MicState(StrEnum):
    """Whether the user's voice goes out."""

    OFF = "off"
    ON = "on"
    MUTED_FOR_CLIP = "muted_for_clip"
    """On, but silent while a clip is spoken (passthrough); it comes back by itself."""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """All that is shown of a session at one moment.

    Attributes:
        life: The state; what follows from it is derived below.
        mode: The mode of this session, or of the last one.
        billed: False in a rehearsal: no cost is shown.
        source_label: Where the session comes from: a host name, "this computer".
        elapsed_s: Seconds since the service granted the session; 0 before, standing still after.
        cost_usd: What it has cost so far by our own clock; None when not billed or not known.
        price_per_hour_usd: None when not billed or not known.
        rtt_ms: Round trip to the room, measured every second while connected.
        agent_state: initializing, idle, listening, thinking or speaking; None when nothing is known.
        microphone: Whether the user's voice goes out.
        microphone_wanted: The microphone was asked for; before the session is live it is not open yet.
        speaking: Something is spoken: by the avatar, or a clip of ours is on its way to it.
        frozen: No new picture for 1.5 s while live, though the avatar did not pause it.
        gone_s: How long the avatar has not been there while live, or since the user chose to wait on.
        voice_muted: The room has muted our track: nothing that we say is heard.
        connecting_s: Seconds since the session was asked for, until it is live; 0 otherwise.
        waited_s: How long the avatar's first picture has been waited for; 0 unless Waiting.
        unsent: Messages that wait until somebody reads them.
        not_sent: Messages of earlier sessions that never went out, and can be sent again.
        allowance: The limit that comes first; None when not billed, or not granted yet.
        left_s: Seconds until that limit.
        allowed_usd: The cost at which a limit of money stops this session, even where a time comes first;
            None when not billed or the price is not known.
        limit_near: 80 % of the allowance are used.
        limit_last: The last minute runs: a countdown, and *Extend*.
        can_extend: Whether *Extend* would give it more; the service's own longest time it can't.
        idle_left_s: Seconds until it is ended because nobody seems to be there; None while nobody is
            asked. Any sign of life takes the question back.
    """

    life: Life = field(default_factory=Idle)
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
        """The state in one word, as the user and a screen reader get it."""
        return state_name(self.life)

    @property
    def is_over(self) -> bool:
        """Whether no session exists or is on its way: a new one can be started."""
        return is_over(self.life)

    @property
    def is_live(self) -> bool:
        return isinstance(self.life, Live)

    @property
    def can_speak_text(self) -> bool:
        """Whether typed text goes to the agent to be answered (conversation), not just as chat."""
        return self.mode is Mode.CONVERSATION

    @property
    def can_interrupt(self) -> bool:
        return self.speaking and isinstance(self.life, Live | Reconnecting)

    @property
    def grant(self) -> SessionGrant | None:
        return grant_of(self.life)

    @property
    def retry_in_s(self) -> float | None:
        """How long the service made us wait before the next try, while it does (429)."""
        return self.life.retry_in_s if isinstance(self.life, Requesting) else None

    @property
    def avatar_late(self) -> bool:
        """Whether the user is to be asked to keep waiting or to end."""
        return isinstance(self.life, Waiting) and self.waited_s >= AVATAR_LATE_S

    @property
    def avatar_gone(self) -> bool:
        """Whether the avatar has left, and the user is to be asked to wait, to end or to start anew."""
        return isinstance(self.life, Live) and self.gone_s >= AVATAR_GONE_S

    @property
    def takes_messages(self) -> bool:
        """Whether what is typed is sent, now or when the session is live."""
        if isinstance(self.life, Ending):
            return isinstance(self.life.next, Switch)
        return not self.is_over

    @property
    def error(self) -> AppError | None:
        """Why it failed, or is ending because of."""
        return self.life.error if isinstance(self.life, Failed | Ending) else None

    @property
    def stopped(self) -> StoppedError | None:
        """Which limit, or what else, ended it unasked."""
        return self.life.reason if isinstance(self.life, Ended) else None

    @property
    def summary(self) -> Summary | None:
        """What the finished session was."""
        return self.life.summary if isinstance(self.life, Ended | Parked | Failed) else None


def state_name(life: Life) -> str:
    """The state in one word: Idle, Connecting, Waiting, Live, Reconnecting, Ending, Ended, Parked, Failed."""
    match life:
        case Requesting() | Joining():
            return "Connecting"
        case Idle() | Waiting() | Live() | Reconnecting() | Ending() | Ended() | Parked() | Failed():
            return type(life).__name__
        case _ as never:
            assert_never(never)


def shown(snapshot: SessionSnapshot) -> SessionSnapshot:
    """``snapshot`` as coarse as it is shown: two that look the same are equal."""
    cost_usd = None if snapshot.cost_usd is None else round(snapshot.cost_usd, 2)
    return replace(
        snapshot,
        elapsed_s=int(snapshot.elapsed_s),
        connecting_s=int(snapshot.connecting_s),
        waited_s=int(snapshot.waited_s),
        gone_s=int(snapshot.gone_s),
        cost_usd=cost_usd,
        rtt_ms=None if snapshot.rtt_ms is None else round(snapshot.rtt_ms),
        # Before the last minute it moves with the time that has gone by.
        left_s=_whole_s(snapshot.left_s) if snapshot.limit_last else None,
        idle_left_s=_whole_s(snapshot.idle_left_s),
    )


def _whole_s(seconds: float | None) -> int | None:
    return None if seconds is None else math.ceil(seconds)
