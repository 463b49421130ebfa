"""The error tree: everything that can go wrong and be shown to the user.

Each boundary (httpx, livekit, keyring, Qt audio, PyAV, a child process) maps foreign exceptions
to one of these, once, with ``raise … from``::

    AppError
    ├── ServiceError           Atlas, or the backend in front of it, refused or failed
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
    │   │   ├── ProxyRefusedError      the proxy can't be reached, or refuses
    │   │   ├── BadProxyError          the configured proxy is unusable
    │   │   ├── CertificatesError      the trusted certificates can't be read
    │   │   ├── KeyLogError            SSLKEYLOGFILE can't be written
    │   │   └── UntrustedError         the certificate is not trusted
    │   ├── InsecureAddressError   plain HTTP to another computer
    │   └── EndUnconfirmedError    the end of a session is not confirmed: it may still cost
    ├── RoomError              the LiveKit room
    │   ├── BadRoomAddressError    no address of a room
    │   │   └── PlainRoomError         ws:// to another computer
    │   ├── RoomRefusedError       the room refused the connection
    │   │   ├── RoomTokenExpiredError, RoomTokenInvalidError, RoomForbiddenError
    │   │   ├── RoomNotFoundError, RoomUnavailableError, RoomUnreachableError
    │   │   └── MediaBlockedError      signalling worked, media did not
    │   │       └── ProxyBlocksMediaError  signalling went through a proxy, media can't
    │   ├── RoomProxyError         the proxy refuses the connection to the room
    │   │   └── ProxyBlocksRoomError   it connected, but the room does not answer behind it
    │   ├── RoomLostError          the connection broke for good
    │   │   ├── RoomClosedError, RemovedFromRoomError, DuplicateIdentityError
    │   │   ├── ServerShutdownError, RoomStateError, RejoinFailedError, RoomMovedError
    │   │   ├── SignalLostError, RoomTimeoutError, MediaLostError
    │   │   └── CallRefusedError, AgentFailedError, ProxyLostError, RoomFloodedError
    │   ├── AvatarLeftError        it was there, left and did not come back
    │   ├── MicrophoneMutedError, SpeechMutedError, SpeechRefusedError
    │   ├── TranscriptCutError     some of what the room sent was dropped
    │   ├── AvatarMissingError     no picture within the time allowed
    │   ├── NoNetworkError         this computer has no interface but loopback
    │   └── MessageTooLongError    a typed text does not fit into one packet
    ├── MediaError             a file, given by the user
    │   ├── UnreadableAudioError, EmptyAudioError, MissingFileError
    │   ├── FileDeniedError, BadFileNameError, LinkLoopError, NotAFileError
    │   ├── DiskError, FileSilentError, ElsewhereError
    │   ├── FileFaultError         a bug of ours with one file
    │   ├── SilentAudioError, CutShortError     reported while playback goes on
    │   └── FaceNotImageError, FaceTooLargeError (FaceTooManyPixelsError), FaceTooSmallError
    ├── DeviceError            a microphone, a speaker or the graphics driver
    │   ├── NoSpeakerError, NoMicrophoneError, MicrophoneDeniedError, DeviceLostError
    │   ├── SoundServerLostError   there is neither, until it is back
    │   └── PictureDriverError
    ├── KeyringError           the OS keyring is locked, absent or silent
    ├── NoKeyError             a paid session was requested without key or backend
    ├── ChildError             a child process did not start or died
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
    └── BugError               a bug of ours: anything else

Texts are English templates with named parameters; ``ui`` translates by template.
"""

# Every public name: a new error is listed in the tree above, and nowhere else.
from atlas_desktop.errors.base import *  # noqa: F403
from atlas_desktop.errors.device import *  # noqa: F403
from atlas_desktop.errors.guard import *  # noqa: F403
from atlas_desktop.errors.media import *  # noqa: F403
from atlas_desktop.errors.room import *  # noqa: F403
from atlas_desktop.errors.service import *  # noqa: F403
