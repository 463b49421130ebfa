"""LiveKit's reasons for a failed join and a lost room, mapped to our errors."""

import re
from typing import Final

from atlas_desktop.errors import (
    AgentFailedError,
    CallRefusedError,
    DuplicateIdentityError,
    MediaBlockedError,
    MediaLostError,
    ProxyLostError,
    RejoinFailedError,
    RemovedFromRoomError,
    RoomClosedError,
    RoomFloodedError,
    RoomForbiddenError,
    RoomLostError,
    RoomMovedError,
    RoomNotFoundError,
    RoomRefusedError,
    RoomStateError,
    RoomTimeoutError,
    RoomTokenExpiredError,
    RoomTokenInvalidError,
    RoomUnavailableError,
    RoomUnreachableError,
    ServerShutdownError,
    SignalLostError,
)
from atlas_desktop.logs import redact

_LONGEST_DETAIL = 200
_LONGEST_READ = 4_096  # before it is redacted, which takes time
_STATUS = re.compile(r"\b([45]\d\d) [A-Z]")
_EXPIRED = re.compile(r"\bexpired\b", re.IGNORECASE)
_UNREACHED = ("transport connection error", "transport timed out", "transport error")
_NO_MEDIA = ("wait_pc_connection", "connection error:")

FLOODED: Final = "FLOODED"
"""Our own reason beside LiveKit's: the room sends more than can be processed."""

_LOST: Final[dict[str, type[RoomLostError]]] = {
    "UNKNOWN_REASON": RoomLostError,
    "CLIENT_INITIATED": RoomLostError,
    "DUPLICATE_IDENTITY": DuplicateIdentityError,
    "SERVER_SHUTDOWN": ServerShutdownError,
    "PARTICIPANT_REMOVED": RemovedFromRoomError,
    "ROOM_DELETED": RoomClosedError,
    "STATE_MISMATCH": RoomStateError,
    "JOIN_FAILURE": RejoinFailedError,
    "MIGRATION": RoomMovedError,
    "SIGNAL_CLOSE": SignalLostError,
    "ROOM_CLOSED": RoomClosedError,
    "USER_UNAVAILABLE": CallRefusedError,
    "USER_REJECTED": CallRefusedError,
    "SIP_TRUNK_FAILURE": CallRefusedError,
    "CONNECTION_TIMEOUT": RoomTimeoutError,
    "MEDIA_FAILURE": MediaLostError,
    "AGENT_ERROR": AgentFailedError,
    FLOODED: RoomFloodedError,
}


def lost_error(reason: str, proxy: str = "") -> RoomLostError:
    """Return the error for a lost room.

    Args:
        reason: The name of a LiveKit ``DisconnectReason``.
        proxy: The proxy that refused the reconnect, if one did.
    """
    if proxy:
        return ProxyLostError(proxy=proxy, detail=reason)
    return _LOST.get(reason, RoomLostError)(detail=reason)


def join_error(message: str) -> RoomRefusedError:
    """Return the error for a failed join; ``message`` is that of LiveKit's ``ConnectError``.

    Source: livekit 1.2.1: "engine: signal failure: client error: 401 Unauthorized - invalid token: …",
    "… transport connection error: IO error: …", "engine: connection error: wait_pc_connection timed out".
    """
    line = first_line(message)
    # Cut after it was searched: a token in the middle may be longer than what is shown.
    status = _STATUS.search(message[:_LONGEST_DETAIL])
    if status is not None:
        return _by_status(int(status[1]), message)(detail=line)
    if any(sign in message for sign in _UNREACHED):
        return RoomUnreachableError(detail=line)
    if any(sign in message for sign in _NO_MEDIA):
        return MediaBlockedError(detail=line)
    return RoomRefusedError(detail=line)


def first_line(text: str) -> str:
    """Return the first line of a foreign message, shortened, tokens redacted."""
    lines = text.strip().splitlines()
    return redact(lines[0], _LONGEST_READ)[:_LONGEST_DETAIL] if lines else ""


def _by_status(status: int, message: str) -> type[RoomRefusedError]:
    if status == 401:
        return RoomTokenExpiredError if _EXPIRED.search(message) else RoomTokenInvalidError
    if status == 403:
        return RoomForbiddenError
    if status == 404:
        return RoomNotFoundError
    return RoomUnavailableError if status == 429 or status >= 500 else RoomRefusedError
