"""``SessionSource``, where sessions come from, and the plain data that it exchanges.

Everything here is serialisable, so that a source can live in another process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

FACE_LIMIT_BYTES = 20_000_000
FACE_MINIMUM_PX = 64
FACE_EDGE_PX = 2048
"""A face that is resized gets no larger: Atlas shows far less."""


class Mode(StrEnum):
    """What the avatar does: answers by itself, or says what it is given."""

    CONVERSATION = "conversation"
    PASSTHROUGH = "passthrough"


class SourceKind(StrEnum):
    """Who makes paid sessions."""

    ATLAS = "atlas"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True)
class Face:
    """The face of a requested session: a picture's bytes, or an HTTPS address."""

    name: str = "face.png"
    content: bytes | None = None
    media_type: str = "image/png"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """The service's answer to a create: the session's id and the room to join. ``token`` is a secret.

    ``spent_today_usd`` is what other sessions of this day have cost, as far as the guard knows.
    """

    session_id: str
    livekit_url: str
    token: str
    room: str = ""
    mode: Mode = Mode.CONVERSATION
    max_duration_s: float | None = None
    price_per_hour_usd: float | None = None
    spent_today_usd: float = 0.0

    def __repr__(self) -> str:
        return f"SessionGrant({self.session_id!r}, {self.livekit_url!r}, mode={self.mode.value})"


@dataclass(frozen=True, slots=True)
class EndReceipt:
    """The service's receipt for an ended session; ``None`` where it did not say."""

    session_id: str
    confirmed: bool
    duration_s: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """The service's view of one session; times as the service states them."""

    session_id: str
    status: str
    duration_s: float | None = None
    max_duration_s: float | None = None


IdCallback = Callable[[str], None]
"""Called with the id of a created session, before anything else of the response is read."""


class SessionSource(Protocol):
    """Where sessions are created and ended: Atlas with a key, a backend, a rehearsal, the guard.

    Every call may raise a ``ServiceError``. Thread: one event loop.
    """

    @property
    def label(self) -> str:
        """The name shown to the user: a host name, "this computer"."""
        ...

    @property
    def billed(self) -> bool:
        """False only for our own rehearsal child: no cost is shown or counted."""
        ...

    @property
    def retries_end(self) -> bool:
        """Whether ``end`` is retried by the guard until it is confirmed."""
        ...

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        """Make a session.

        An error whose ``params`` hold a ``session_id`` names a session that was created although the response
        can't be used: it must be ended.
        """
        ...

    async def end(self, session_id: str) -> EndReceipt:
        """End the session. Already ended counts as ended."""
        ...

    async def aclose(self) -> None:
        """Close connections; running calls fail with ``UnreachableError``."""
        ...
