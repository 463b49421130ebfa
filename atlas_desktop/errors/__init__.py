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
    │   │   ├── ProxyRefusedError      the proxy is not there, or bars the way
    │   │   ├── BadProxyError          what names the proxy can't be used
    │   │   ├── CertificatesError      the trusted certificates can't be read
    │   │   ├── KeyLogError            SSLKEYLOGFILE can't be written
    │   │   └── UntrustedError         the other side can't prove who it is
    │   ├── InsecureAddressError   plain HTTP to another computer
    │   └── EndUnconfirmedError    nobody said that a session is over: it may still cost
    ├── RoomError              the LiveKit room
    │   ├── BadRoomAddressError    no address of a room
    │   │   └── PlainRoomError         ws:// to another computer
    │   ├── RoomRefusedError       it did not let us in
    │   │   ├── RoomTokenExpiredError, RoomTokenInvalidError, RoomForbiddenError
    │   │   ├── RoomNotFoundError, RoomUnavailableError, RoomUnreachableError
    │   │   └── MediaBlockedError      signalling worked, media did not
    │   │       └── ProxyBlocksMediaError  signalling went through a proxy, media can't
    │   ├── RoomProxyError         the proxy bars the way to the room
    │   │   └── ProxyBlocksRoomError   it let us through, but the room does not answer behind it
    │   ├── RoomLostError          the connection broke for good
    │   │   ├── RoomClosedError, RemovedFromRoomError, DuplicateIdentityError
    │   │   ├── ServerShutdownError, RoomStateError, RejoinFailedError, RoomMovedError
    │   │   ├── SignalLostError, RoomTimeoutError, MediaLostError
    │   │   └── CallRefusedError, AgentFailedError, ProxyLostError, RoomFloodedError
    │   ├── AvatarLeftError        it was there, left and did not come back
    │   ├── MicrophoneMutedError, SpeechMutedError, SpeechRefusedError
    │   ├── TranscriptCutError     some of what the room says is left out
    │   ├── AvatarMissingError     no picture within the time allowed
    │   ├── NoNetworkError         this computer has no interface but loopback
    │   └── MessageTooLongError    a typed text does not fit into one packet
    ├── MediaError             a file, given by the user
    │   ├── UnreadableAudioError, EmptyAudioError, MissingFileError
    │   ├── FileDeniedError, BadFileNameError, LinkLoopError, NotAFileError
    │   ├── DiskError, FileSilentError, ElsewhereError
    │   ├── FileFaultError         our own fault, over one file
    │   ├── SilentAudioError, CutShortError     said beside what goes on
    │   └── FaceNotImageError, FaceTooLargeError (FaceTooManyPixelsError), FaceTooSmallError
    ├── DeviceError            a microphone, a speaker or the graphics driver
    │   ├── NoSpeakerError, NoMicrophoneError, MicrophoneDeniedError, DeviceLostError
    │   ├── SoundServerLostError   there is neither, until it is back
    │   └── PictureDriverError
    ├── KeyringError           the OS keyring is locked, absent or silent
    ├── NoKeyError             a paid session was asked for without key or backend
    ├── ChildError             a process of ours did not start or died
    ├── GuardError             what keeps sessions from being left open
    │   ├── JournalError           the billing journal can't be written or read
    │   ├── GuardDownError         the guard does not start
    │   ├── GuardLostError         the guard died before it answered
    │   │   └── SessionIdLostError     … a request for a session; SessionIdLostAtMostError: with a bound
    │   └── StoppedError           the guard or a limit ended the session; ``why`` says which
    │       ├── CostReachedError       what one session may cost
    │       ├── TimeReachedError       how long one session may run
    │       ├── DayReachedError        what the sessions of one day may cost
    │       ├── LongestTimeError       Atlas's own longest time
    │       ├── EndedByServiceError    Atlas says that it is over, and not why
    │       └── NobodyThereError, HungError, SleptError
    └── BugError               our own fault: anything that nothing above expects

Texts are English templates with named parameters; ``ui`` translates by template.
"""

from atlas_desktop.errors.base import (
    N_,
    AppError,
    BugError,
    ChildError,
    KeyringError,
    NoKeyError,
)
from atlas_desktop.errors.device import (
    DeviceError,
    DeviceLostError,
    MicrophoneDeniedError,
    NoMicrophoneError,
    NoSpeakerError,
    PictureDriverError,
    SoundServerLostError,
)
from atlas_desktop.errors.guard import (
    CostReachedError,
    DayReachedError,
    EndedByServiceError,
    GuardDownError,
    GuardError,
    GuardLostError,
    HungError,
    JournalError,
    LongestTimeError,
    NobodyThereError,
    SessionIdLostAtMostError,
    SessionIdLostError,
    SleptError,
    StoppedError,
    TimeReachedError,
)
from atlas_desktop.errors.media import (
    BadFileNameError,
    CutShortError,
    DiskError,
    ElsewhereError,
    EmptyAudioError,
    FaceNotImageError,
    FaceTooLargeError,
    FaceTooManyPixelsError,
    FaceTooSmallError,
    FileDeniedError,
    FileFaultError,
    FileSilentError,
    LinkLoopError,
    MediaError,
    MissingFileError,
    NotAFileError,
    SilentAudioError,
    UnreadableAudioError,
    about_file,
    shown_name,
)
from atlas_desktop.errors.room import (
    AgentFailedError,
    AvatarLeftError,
    AvatarMissingError,
    BadRoomAddressError,
    CallRefusedError,
    DuplicateIdentityError,
    MediaBlockedError,
    MediaLostError,
    MessageTooLongError,
    MicrophoneMutedError,
    NoNetworkError,
    PlainRoomError,
    ProxyBlocksMediaError,
    ProxyBlocksRoomError,
    ProxyLostError,
    RejoinFailedError,
    RemovedFromRoomError,
    RoomClosedError,
    RoomError,
    RoomFloodedError,
    RoomForbiddenError,
    RoomLostError,
    RoomMovedError,
    RoomNotFoundError,
    RoomProxyError,
    RoomRefusedError,
    RoomStateError,
    RoomTimeoutError,
    RoomTokenExpiredError,
    RoomTokenInvalidError,
    RoomUnavailableError,
    RoomUnreachableError,
    ServerShutdownError,
    SignalLostError,
    SpeechMutedError,
    SpeechRefusedError,
    TranscriptCutError,
)
from atlas_desktop.errors.service import (
    BadAnswerError,
    BadProxyError,
    CertificatesError,
    ConflictError,
    EndUnconfirmedError,
    InsecureAddressError,
    KeyLogError,
    ModeRefusedError,
    NoCapacityError,
    NoCreditError,
    NotFoundError,
    ProxyRefusedError,
    RateLimitedError,
    RejectedError,
    ServerFailedError,
    ServiceError,
    UnauthorizedError,
    UnreachableError,
    UntrustedError,
)

__all__ = [
    "N_",
    "AgentFailedError",
    "AppError",
    "AvatarLeftError",
    "AvatarMissingError",
    "BadAnswerError",
    "BadFileNameError",
    "BadProxyError",
    "BadRoomAddressError",
    "BugError",
    "CallRefusedError",
    "CertificatesError",
    "ChildError",
    "ConflictError",
    "CostReachedError",
    "CutShortError",
    "DayReachedError",
    "DeviceError",
    "DeviceLostError",
    "DiskError",
    "DuplicateIdentityError",
    "ElsewhereError",
    "EmptyAudioError",
    "EndUnconfirmedError",
    "EndedByServiceError",
    "FaceNotImageError",
    "FaceTooLargeError",
    "FaceTooManyPixelsError",
    "FaceTooSmallError",
    "FileDeniedError",
    "FileFaultError",
    "FileSilentError",
    "GuardDownError",
    "GuardError",
    "GuardLostError",
    "HungError",
    "InsecureAddressError",
    "JournalError",
    "KeyLogError",
    "KeyringError",
    "LinkLoopError",
    "LongestTimeError",
    "MediaBlockedError",
    "MediaError",
    "MediaLostError",
    "MessageTooLongError",
    "MicrophoneDeniedError",
    "MicrophoneMutedError",
    "MissingFileError",
    "ModeRefusedError",
    "NoCapacityError",
    "NoCreditError",
    "NoKeyError",
    "NoMicrophoneError",
    "NoNetworkError",
    "NoSpeakerError",
    "NobodyThereError",
    "NotAFileError",
    "NotFoundError",
    "PictureDriverError",
    "PlainRoomError",
    "ProxyBlocksMediaError",
    "ProxyBlocksRoomError",
    "ProxyLostError",
    "ProxyRefusedError",
    "RateLimitedError",
    "RejectedError",
    "RejoinFailedError",
    "RemovedFromRoomError",
    "RoomClosedError",
    "RoomError",
    "RoomFloodedError",
    "RoomForbiddenError",
    "RoomLostError",
    "RoomMovedError",
    "RoomNotFoundError",
    "RoomProxyError",
    "RoomRefusedError",
    "RoomStateError",
    "RoomTimeoutError",
    "RoomTokenExpiredError",
    "RoomTokenInvalidError",
    "RoomUnavailableError",
    "RoomUnreachableError",
    "ServerFailedError",
    "ServerShutdownError",
    "ServiceError",
    "SessionIdLostAtMostError",
    "SessionIdLostError",
    "SignalLostError",
    "SilentAudioError",
    "SleptError",
    "SoundServerLostError",
    "SpeechMutedError",
    "SpeechRefusedError",
    "StoppedError",
    "TimeReachedError",
    "TranscriptCutError",
    "UnauthorizedError",
    "UnreachableError",
    "UnreadableAudioError",
    "UntrustedError",
    "about_file",
    "shown_name",
]
