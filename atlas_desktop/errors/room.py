"""Errors of the LiveKit room."""

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


class PlainRoomError(BadRoomAddressError):
    """A room without TLS on another computer: anyone on the path could see, hear and join."""

    code = "plain_room"
    title = N_("Atlas named a room address without encryption ({url})")
    advice = N_("It was not joined, and the session was ended. The service's operator must offer wss://.")


class RoomRefusedError(RoomError):
    code = "room_refused"
    title = N_("The avatar's room did not let us in ({detail})")
    advice = N_("Start again. If it happens every time, its operator has to look into it.")


class RoomTokenExpiredError(RoomRefusedError):
    code = "room_token_expired"
    title = N_("The avatar's room did not let us in: its pass has expired ({detail})")
    advice = N_("Check this computer's date and time, then start again: every session gets a new pass.")


class RoomTokenInvalidError(RoomRefusedError):
    code = "room_token_invalid"
    title = N_("The avatar's room did not let us in: it does not accept its pass ({detail})")
    advice = N_("Start again. If it happens every time, the service or the backend issues wrong passes.")


class RoomForbiddenError(RoomRefusedError):
    code = "room_forbidden"
    title = N_("The avatar's room did not let us in: the pass does not open it ({detail})")
    advice = N_("Start again. If it happens every time, ask the operator of the service or the backend.")


class RoomNotFoundError(RoomRefusedError):
    code = "room_not_found"
    title = N_("The avatar's room did not let us in: it does not exist any more ({detail})")
    advice = N_("Start again: every session gets a room of its own.")


class RoomUnavailableError(RoomRefusedError):
    code = "room_unavailable"
    title = N_("The room's server can't take the session now ({detail})")
    advice = N_("Wait a moment, then start again.")


class RoomUnreachableError(RoomRefusedError):
    code = "room_unreachable"
    title = N_("The room's server can't be reached ({detail})")
    advice = N_("Check the network, a VPN and the proxy of this computer, then start again.")


class MediaBlockedError(RoomRefusedError):
    """Signalling worked, but no media connection came up."""

    code = "media_blocked"
    title = N_("The room answered, but picture and sound can't get through")
    advice = N_("A firewall may block WebRTC: it needs UDP to the room's server. Try another network.")


class RoomProxyError(RoomError):
    """The proxy refuses the connection to the room's signalling. ``proxy``: its address, without a password.

    ``name``: the variable or the setting that names it.
    """

    code = "room_proxy"
    title = N_("The proxy {proxy} in {name} did not let us through to the avatar's room ({detail})")
    advice = N_("Check the proxy in the settings, or in the environment of this program.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": "", "name": ""}


class ProxyBlocksMediaError(MediaBlockedError):
    """Signalling went through the proxy; WebRTC's media packets are blocked."""

    code = "proxy_blocks_media"
    title = N_("The proxy {proxy} lets the room's signalling through, but not its sound and picture")
    advice = N_(
        "WebRTC's media can't use a proxy. Ask your network's administrator to allow UDP to {host} "
        "(ports 3478 and 50000–60000), or TCP and TLS to its ports 443 and 7881. A rehearsal works without."
    )
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": "", "host": ""}


class ProxyBlocksRoomError(RoomProxyError):
    """The proxy accepted our request, but the response is not the room's."""

    code = "proxy_blocks_room"
    title = N_("The proxy {proxy} let us through, but the avatar's room does not answer behind it ({detail})")
    advice = N_(
        "Ask your network's administrator to let WebSocket connections through to {host}. A proxy that "
        "opens TLS needs its certificate on this computer. A rehearsal works without."
    )
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": "", "host": ""}


class RoomLostError(RoomError):
    """The room was lost. ``detail`` is LiveKit's own name of the reason."""

    code = "room_lost"
    title = N_("The connection to the avatar was lost")
    advice = N_("Check the network. The session was ended, so it costs nothing more.")


class ProxyLostError(RoomLostError):
    """The room was lost, and the proxy refused to reconnect. ``proxy``: without a password."""

    code = "proxy_lost"
    title = N_("The connection to the avatar was lost: the proxy {proxy} did not let us through again")
    advice = N_("Check the network and the proxy. The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "proxy": ""}


class RoomClosedError(RoomLostError):
    code = "room_closed"
    title = N_("Atlas closed the avatar's room")
    advice = N_("The session is over and costs nothing more. Start again to go on.")


class RemovedFromRoomError(RoomLostError):
    code = "room_removed"
    title = N_("Atlas removed this program from the avatar's room")
    advice = N_("The session was ended, so it costs nothing more. Start again to go on.")


class DuplicateIdentityError(RoomLostError):
    code = "room_duplicate"
    title = N_("The session was taken over: another program joined the room with the same pass")
    advice = N_("A pass is for one program at a time. The session was ended; start again to go on here.")


class ServerShutdownError(RoomLostError):
    code = "room_shutdown"
    title = N_("The room's server was shut down")
    advice = N_("The session was ended, so it costs nothing more. Start again: another server takes it.")


class RoomStateError(RoomLostError):
    code = "room_state"
    title = N_("The room no longer knew this program after a break in the connection")
    advice = N_("The session was ended, so it costs nothing more. Start again to go on.")


class RejoinFailedError(RoomLostError):
    code = "room_rejoin"
    title = N_("After a break in the connection the room did not let us in again")
    advice = N_("The session was ended, so it costs nothing more. Start again to go on.")


class RoomMovedError(RoomLostError):
    code = "room_moved"
    title = N_("The room moved to another server and could not be followed")
    advice = N_("The session was ended, so it costs nothing more. Start again to go on.")


class SignalLostError(RoomLostError):
    code = "room_signal"
    title = N_("The room's server broke off the connection")
    advice = N_("The session was ended, so it costs nothing more. Start again to go on.")


class RoomTimeoutError(RoomLostError):
    code = "room_timeout"
    title = N_("The room's server heard nothing of this computer for too long")
    advice = N_("Check the network. The session was ended, so it costs nothing more.")


class MediaLostError(RoomLostError):
    code = "media_lost"
    title = N_("Picture and sound no longer got through, while the room's server did")
    advice = N_("A firewall or a VPN may block WebRTC. The session was ended, so it costs nothing more.")


class CallRefusedError(RoomLostError):
    code = "room_call_refused"
    title = N_("The avatar's side did not take the call")
    advice = N_("The session was ended, so it costs nothing more. Start again in a moment.")


class AgentFailedError(RoomLostError):
    code = "agent_failed"
    title = N_("The avatar's agent failed")
    advice = N_("The session was ended, so it costs nothing more. Start again to get another one.")


class RoomFloodedError(RoomLostError):
    """The room sends more events than can be processed, or more than memory should hold."""

    code = "room_flooded"
    title = N_("The avatar's room sent more than this program can take in")
    advice = N_(
        "The session was ended, so it costs nothing more. If it happens again, ask the service's operator."
    )


class TranscriptCutError(RoomError):
    """Text of a room was dropped: too much at once, or in all. Reported once a session."""

    code = "transcript_cut"
    title = N_("The avatar's room sends more than this program keeps")
    advice = N_("Some of its text, or some of those in it, are left out. Picture and sound go on.")
    retryable = False


class AvatarLeftError(RoomError):
    code = "avatar_left"
    title = N_("The avatar left and did not come back within {waited_s:.0f} s")
    advice = N_("The session was ended, so it costs nothing more.")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "waited_s": 60.0}


class MicrophoneMutedError(RoomError):
    code = "microphone_muted"
    title = N_("The room has muted your microphone")
    advice = N_("Turn the microphone on again to be heard.")


class SpeechMutedError(RoomError):
    code = "speech_muted"
    title = N_("The room has muted what is spoken here")
    advice = N_("Clips wait where they are. They go on with Play, or when the room allows it.")


class SpeechRefusedError(RoomError):
    """The room did not let us publish our track."""

    code = "speech_refused"
    title = N_("The room does not take what is spoken here ({detail})")
    advice = N_("The avatar hears nothing of it. Try again, or ask the service's operator.")


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
