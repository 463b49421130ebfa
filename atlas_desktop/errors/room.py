"""The LiveKit room."""

from typing import Any, ClassVar

from atlas_desktop.errors.base import N_, AppError


class RoomError(AppError):
    """The LiveKit room refused us, or was lost."""

    code = "room"
    title = N_("The avatar's room failed: {detail}")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"detail": ""}


class BadRoomAddressError(RoomError):
    code = "bad_room_address"
    title = N_("Atlas named a room address that can't be used ({url})")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "url": ""}


class RoomRefusedError(RoomError):
    code = "room_refused"
    title = N_("The avatar's room did not let us in ({detail})")
    advice = N_("Start again. If it happens every time, a firewall may block WebRTC.")


class RoomProxyError(RoomError):
    """The way to the room's signalling is barred. ``proxy``: its address, without a password."""

    code = "room_proxy"
    title = N_("The proxy {proxy} did not let us through to the avatar's room ({detail})")
    advice = N_("Check the proxy in the settings, or in the environment of this program.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": ""}


class MediaBlockedError(RoomError):
    """Signalling went through the proxy; WebRTC's own packets did not come through at all."""

    code = "media_blocked"
    title = N_("The proxy {proxy} lets the room's signalling through, but not its sound and picture")
    advice = N_(
        "WebRTC can't use an HTTP proxy. Ask your network's administrator to allow UDP to {host} "
        "(ports 3478 and 50000–60000), or TCP and TLS to its ports 443 and 7881. A rehearsal works without."
    )
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": "", "host": ""}


class RoomLostError(RoomError):
    code = "room_lost"
    title = N_("The connection to the avatar was lost")
    advice = N_("The session was ended, so it costs nothing more.")


class AvatarMissingError(RoomError):
    code = "avatar_missing"
    title = N_("The avatar did not appear within {waited_s:.0f} s")
    advice = N_("The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "waited_s": 60.0}


class NoNetworkError(RoomError):
    """WebRTC gathers no address on a host whose only interface is loopback (livekit 1.2.1)."""

    code = "no_network"
    title = N_("This computer has no network interface that is up")
    advice = N_("Connect it to any network, even one without internet: a rehearsal needs one, too.")


class MessageTooLongError(RoomError):
    """The text does not fit into one message. ``length`` and ``limit`` are in bytes."""

    code = "message_too_long"
    title = N_("The message is too long ({length:,} bytes; {limit:,} fit)")
    advice = N_("It was not sent and is still in the box: send it in parts.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "length": 0, "limit": 0}
