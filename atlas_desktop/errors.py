"""The error tree: everything that can go wrong and be said to a person.

Each boundary (httpx, livekit, keyring, Qt audio, PyAV, a child process) maps foreign exceptions
to one of these, once, with ``raise … from``::

    AppError
    ├── ServiceError           Atlas, or the backend in front of it, answered or did not
    │   ├── UnauthorizedError      401, 403
    │   ├── NoCreditError          402
    │   ├── NotFoundError          404 in Atlas's own shape
    │   ├── ConflictError          409
    │   ├── RateLimitedError       429, knows how long to wait
    │   ├── NoCapacityError        503
    │   ├── ModeRefusedError       this deployment does not offer the mode
    │   ├── RejectedError          any other 4xx
    │   ├── ServerFailedError      any other 5xx
    │   ├── BadAnswerError         not JSON, or without a needed field
    │   ├── UnreachableError       no connection, or none in time
    │   ├── InsecureAddressError   plain HTTP to another computer
    │   └── EndUnconfirmedError    nobody said that a session is over: it may still cost
    ├── RoomError              the LiveKit room
    │   ├── BadRoomAddressError    not ws:// or wss://
    │   ├── RoomRefusedError       the token or the address was refused
    │   ├── RoomLostError          the connection broke for good
    │   ├── AvatarMissingError     no picture within the time allowed
    │   ├── NoNetworkError         this computer has no interface but loopback
    │   └── MessageTooLongError    a typed text does not fit into one packet
    ├── MediaError             a file, given by the user
    │   ├── UnreadableAudioError, EmptyAudioError, MissingFileError
    │   └── FaceNotImageError, FaceTooLargeError, FaceTooSmallError
    ├── DeviceError            a microphone or speaker
    │   ├── NoSpeakerError, NoMicrophoneError, MicrophoneDeniedError, DeviceLostError
    ├── KeyringError           the OS keyring is locked, absent or silent
    ├── NoKeyError             a paid session was asked for without key or backend
    ├── ChildError             a process of ours did not start or died
    ├── GuardError             what keeps sessions from being left open
    │   ├── JournalError           the billing journal can't be written or read
    │   ├── GuardDownError         the guard does not start
    │   ├── GuardLostError         the guard died while it asked for a session
    │   └── StoppedError           the guard or a limit ended the session; ``why`` says which
    └── BugError               our own fault: anything that nothing above expects

Texts are English templates with named parameters; ``ui`` translates by template.
"""

from typing import Any, ClassVar


def N_(template: str) -> str:  # noqa: N802 - gettext's name for "to be translated", known to lupdate
    """Marks ``template`` for translation and returns it unchanged."""
    return template


class AppError(Exception):
    """Something that went wrong and can be said to a person.

    Attributes:
        code: Stable name, snake_case; a notice of the same code replaces the earlier one.
        title: What happened: an English template.
        advice: What to do about it: an English template, may be empty.
        params: Values of the templates' named parameters. Never a key, a token or spoken words.
        retryable: Whether the same action may succeed when simply tried again.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = N_("Something went wrong")
    advice: ClassVar[str] = ""
    retryable: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, **params: Any) -> None:
        self.params: dict[str, Any] = {**self.defaults, **params}
        super().__init__(str(self))

    def __str__(self) -> str:
        """One English line: the title and, when there is one, the advice."""
        text = self.title.format(**self.params)
        return f"{text}. {self.advice.format(**self.params)}" if self.advice else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.params)


def _rebuild(kind: type[AppError], params: dict[str, Any]) -> AppError:
    return kind(**params)


class ServiceError(AppError):
    """Atlas, or the backend in front of it, refused or failed. ``status`` is the HTTP status, or 0."""

    code = "service"
    title = N_("Atlas could not do that ({status}: {detail})")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": ""}


class UnauthorizedError(ServiceError):
    code = "unauthorized"
    title = N_("Atlas did not accept the key")
    advice = N_("Check the key, or get a new one from your Atlas account.")
    retryable = False


class NoCreditError(ServiceError):
    code = "no_credit"
    title = N_("Your Atlas account has no credit left")
    advice = N_("Add credit to your account, then start again. A rehearsal is free.")


class NotFoundError(ServiceError):
    code = "not_found"
    title = N_("Atlas does not know this session")
    retryable = False


class ConflictError(ServiceError):
    """409; ``reason`` is Atlas's own code, for example ``already_ended``."""

    code = "conflict"
    title = N_("Atlas says this can't be done now ({detail})")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 409, "detail": "", "reason": ""}


class RateLimitedError(ServiceError):
    """429; ``retry_after_s`` is how long the service asked to wait."""

    code = "rate_limited"
    title = N_("Too many requests")
    advice = N_("Atlas asks to wait {retry_after_s:.0f} s.")
    defaults: ClassVar[dict[str, Any]] = {"status": 429, "detail": "", "retry_after_s": 5.0}


class NoCapacityError(ServiceError):
    code = "no_capacity"
    title = N_("Atlas has no free avatar at the moment")
    advice = N_("Try again in a minute. Nothing was charged.")


class ModeRefusedError(ServiceError):
    code = "mode_refused"
    title = N_("This Atlas does not offer {mode} sessions")
    advice = N_("Choose the other mode.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 400, "detail": "", "mode": ""}


class RejectedError(ServiceError):
    code = "rejected"
    title = N_("Atlas refused the request ({status}: {detail})")
    retryable = False


class ServerFailedError(ServiceError):
    code = "server_failed"
    title = N_("Atlas has a problem of its own ({status}: {detail})")
    advice = N_("Try again in a moment.")


class BadAnswerError(ServiceError):
    code = "bad_answer"
    title = N_("{host} did not answer like Atlas ({status}: {detail})")
    advice = N_("Check the address; a proxy may be in the way.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": ""}


class UnreachableError(ServiceError):
    code = "unreachable"
    title = N_("{host} can't be reached")
    advice = N_("Check the internet connection. A rehearsal works without.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "host": "Atlas"}


class InsecureAddressError(ServiceError):
    code = "insecure_address"
    title = N_("{url} is not an https:// address")
    advice = N_("A key is only ever sent over https, or to this computer.")
    retryable = False
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "url": ""}


class EndUnconfirmedError(ServiceError):
    """The service did not say that a session is over: it may go on, and cost."""

    code = "end_unconfirmed"
    title = N_("Atlas did not confirm that session {session_id} is over")
    advice = N_("It may still cost. Try to end it again, or end it in your Atlas account.")
    defaults: ClassVar[dict[str, Any]] = {"status": 0, "detail": "", "session_id": ""}


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


class MediaError(AppError):
    """A file that the user gave. ``name`` is the file's name, without its folder."""

    code = "media"
    title = N_("{name} can't be used: {detail}")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": ""}


class UnreadableAudioError(MediaError):
    code = "unreadable_audio"
    title = N_("{name} holds no sound that can be read")
    advice = N_("Accepted: any sound or video file, for example WAV, MP3, M4A, OGG, FLAC.")


class EmptyAudioError(MediaError):
    code = "empty_audio"
    title = N_("{name} is empty")


class MissingFileError(MediaError):
    code = "missing_file"
    title = N_("{name} is no longer there")


class FaceNotImageError(MediaError):
    code = "face_not_image"
    title = N_("{name} is not a picture")
    advice = N_("Accepted: PNG, JPEG and WebP.")


class FaceTooLargeError(MediaError):
    code = "face_too_large"
    title = N_("{name} is too large ({size_mb:.0f} MB)")
    advice = N_("A face may have up to {limit_mb:.0f} MB.")
    defaults: ClassVar[dict[str, Any]] = {"name": "", "detail": "", "size_mb": 0.0, "limit_mb": 20.0}


class FaceTooSmallError(MediaError):
    code = "face_too_small"
    title = N_("{name} is too small ({width}×{height})")
    advice = N_("A face needs at least {limit}×{limit} pixels.")
    defaults: ClassVar[dict[str, Any]] = {
        "name": "",
        "detail": "",
        "width": 0,
        "height": 0,
        "limit": 64,
    }


class DeviceError(AppError):
    """A microphone or a speaker. ``device`` is its description."""

    code = "device"
    title = N_("{device} does not work: {detail}")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"device": "", "detail": ""}


class NoSpeakerError(DeviceError):
    code = "no_speaker"
    title = N_("There is no speaker")
    advice = N_("Connect one: the sound starts by itself. The picture goes on.")


class NoMicrophoneError(DeviceError):
    code = "no_microphone"
    title = N_("There is no microphone")
    advice = N_("Connect one: it is used by itself.")


class MicrophoneDeniedError(DeviceError):
    code = "microphone_denied"
    title = N_("This computer does not allow the microphone")
    advice = N_("Allow it for Atlas Desktop in the system's privacy settings.")


class DeviceLostError(DeviceError):
    code = "device_lost"
    title = N_("{device} is gone")
    advice = N_("Another device is used as soon as there is one.")


class KeyringError(AppError):
    """The OS keyring is locked, absent or silent."""

    code = "keyring"
    title = N_("This computer's keyring can't be used ({detail})")
    advice = N_("The key is kept for this run only, in memory.")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"detail": ""}


class NoKeyError(AppError):
    code = "no_key"
    title = N_("A session needs an API key or a backend")
    advice = N_("Paste your key, or try a rehearsal: it is free.")


class ChildError(AppError):
    """A process of ours did not start or died. ``role`` is its name, ``detail`` its last words."""

    code = "child"
    title = N_("The local Atlas did not start: {detail}")
    retryable = True
    defaults: ClassVar[dict[str, Any]] = {"role": "", "detail": ""}


class GuardError(AppError):
    """What keeps sessions from being left open does not work, or has acted."""

    code = "guard"
    title = N_("The guard of paid sessions failed: {detail}")
    defaults: ClassVar[dict[str, Any]] = {"detail": ""}


class JournalError(GuardError):
    code = "journal"
    title = N_("The record of paid sessions can't be written ({detail})")
    advice = N_("Without it a crash could leave a session open. Make room on the disk, then start again.")
    retryable = True


class GuardDownError(GuardError):
    code = "guard_down"
    title = N_("The guard of paid sessions does not start ({detail})")
    advice = N_("Without it a crash of this program could leave a session open, and costing.")
    retryable = True


class GuardLostError(GuardError):
    """The guard was killed between a request and its answer: the session's id is lost with it."""

    code = "guard_lost"
    title = N_("The guard of paid sessions was killed while it asked for a session")
    advice = N_("If Atlas made one, it runs until its longest time. Look into your Atlas account.")


class StoppedError(GuardError):
    """A session was ended unasked. ``why`` is an ``orders.Why``, ``what`` the limit that was reached."""

    code = "stopped"
    title = N_("The session was ended: {what}")
    defaults: ClassVar[dict[str, Any]] = {"detail": "", "why": "", "what": ""}


class BugError(AppError):
    """Our own fault. The cause is chained (``__cause__``) and logged; ``where`` names the task."""

    code = "bug"
    title = N_("Something unexpected happened in {where}")
    advice = N_("The rest goes on. A report is in the log.")
    defaults: ClassVar[dict[str, Any]] = {"where": ""}
