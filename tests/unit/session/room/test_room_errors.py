"""What LiveKit says when a join fails or a room is gone, and what a person is told."""

import pytest
from livekit.rtc import DisconnectReason

from atlas_desktop.errors import (
    DuplicateIdentityError,
    MediaBlockedError,
    RemovedFromRoomError,
    RoomClosedError,
    RoomForbiddenError,
    RoomLostError,
    RoomNotFoundError,
    RoomRefusedError,
    RoomTokenExpiredError,
    RoomTokenInvalidError,
    RoomUnavailableError,
    RoomUnreachableError,
    ServerShutdownError,
)
from atlas_desktop.session.room.room_errors import join_error, lost_error

pytestmark = pytest.mark.contract

TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "a" * 300 + ".c2lnbmF0dXJl"
SIGNAL = "engine: signal failure: "


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            SIGNAL + f"client error: 401 Unauthorized - invalid token: {TOKEN}, error: token has invalid "
            "claims: token is expired",
            RoomTokenExpiredError,
        ),
        (
            SIGNAL + f"client error: 401 Unauthorized - invalid token: {TOKEN}, error: token signature is "
            "invalid: signature is invalid",
            RoomTokenInvalidError,
        ),
        (SIGNAL + "client error: 401 Unauthorized - permissions denied", RoomTokenInvalidError),
        (SIGNAL + "client error: 403 Forbidden - no", RoomForbiddenError),
        (SIGNAL + "client error: 404 Not Found - requested room does not exist", RoomNotFoundError),
        (SIGNAL + "client error: 429 Too Many Requests - slowly", RoomUnavailableError),
        (SIGNAL + "server error: 503 Service Unavailable - oh dear", RoomUnavailableError),
        (SIGNAL + "handshake error: 500 Internal Server Error", RoomUnavailableError),
        (SIGNAL + "client error: 400 Bad Request - no room name", RoomRefusedError),
        (
            SIGNAL + "transport connection error: IO error: Connection refused (os error 111)",
            RoomUnreachableError,
        ),
        (
            SIGNAL + "transport connection error: IO error: failed to lookup address information: Name or "
            "service not known",
            RoomUnreachableError,
        ),
        (SIGNAL + "transport timed out", RoomUnreachableError),
        ("engine: connection error: wait_pc_connection timed out", MediaBlockedError),
        ("", RoomRefusedError),
        ("something new", RoomRefusedError),
    ],
)
def test_a_join_that_fails_has_words_of_its_own(message: str, kind: type[RoomRefusedError]) -> None:
    error = join_error(message)
    assert type(error) is kind
    assert "eyJ" not in str(error)
    assert len(str(error)) < 500


@pytest.mark.parametrize("reason", DisconnectReason.keys())
def test_every_reason_of_livekits_has_words_of_its_own(reason: str) -> None:
    error = lost_error(reason)
    is_named = reason not in ("UNKNOWN_REASON", "CLIENT_INITIATED")
    assert (type(error) is not RoomLostError) == is_named
    assert isinstance(error, RoomLostError)
    assert error.advice


def test_the_reasons_that_people_meet() -> None:
    assert type(lost_error("ROOM_DELETED")) is RoomClosedError
    assert type(lost_error("PARTICIPANT_REMOVED")) is RemovedFromRoomError
    assert type(lost_error("DUPLICATE_IDENTITY")) is DuplicateIdentityError
    assert type(lost_error("SERVER_SHUTDOWN")) is ServerShutdownError
    assert type(lost_error("a reason of tomorrow's")) is RoomLostError


def test_a_firewall_is_blamed_only_where_signalling_worked() -> None:
    for message in (SIGNAL + "client error: 403 Forbidden - no", SIGNAL + "transport timed out", ""):
        assert "firewall" not in str(join_error(message)).lower()
    assert "firewall" in str(join_error("engine: connection error: wait_pc_connection timed out"))
