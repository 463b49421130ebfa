"""How remote tracks reach the feeds: by the tap where it can be, by the public streams elsewhere."""

import logging
import os
from typing import TYPE_CHECKING, Protocol

from livekit import rtc

from atlas_desktop.media.feeds import AudioFeed, VideoFeed

if TYPE_CHECKING:
    from atlas_desktop.media.room_inbox import InboxListener, RoomInbox

log = logging.getLogger(__name__)

TAP_VARIABLE = "ATLAS_DESKTOP_TAP"


class StreamHandle(Protocol):
    """One track on its way to a feed."""

    @property
    def failed(self) -> bool:
        """True when frames are lost by an error of ours; the log has it."""
        ...

    def close(self) -> None:
        """Stops: nothing is offered to the feed any more. May be called twice. Thread: the room's loop."""
        ...


class Streams(Protocol):
    """A way to take frames from tracks. Thread: the room's loop."""

    @property
    def label(self) -> str:
        """``tap`` or ``public``."""
        ...

    def open_video(self, track: rtc.RemoteVideoTrack, feed: VideoFeed) -> StreamHandle:
        """Sends the track's pictures to ``feed`` until closed."""
        ...

    def open_audio(self, track: rtc.RemoteAudioTrack, feed: AudioFeed) -> StreamHandle:
        """Sends the track's sound to ``feed``, 48 kHz stereo in blocks of 10 ms, until closed."""
        ...

    def close(self) -> None:
        """Closes every stream and the thread; it can be used again afterwards."""
        ...


def choose_streams() -> Streams:
    """The tap where this SDK has what it needs, else the public streams.

    ``ATLAS_DESKTOP_TAP=0`` forces the public streams.
    """
    if os.environ.get(TAP_VARIABLE) != "0":
        try:
            from atlas_desktop.media import tap
        except ImportError as error:
            log.warning("the media tap does not fit this livekit: %s", error)
        else:
            if tap.tap_available():
                return tap.FfiTap()
            log.warning("the media tap does not fit this livekit")
    from atlas_desktop.media.public_streams import PublicStreams

    return PublicStreams()


def choose_inbox(listener: "InboxListener", topic: str, attribute: str) -> "RoomInbox | None":
    """What takes a room's events off the SDK's hands, where this SDK has what it needs.

    ``ATLAS_DESKTOP_TAP=0`` leaves them to the SDK; then a room that floods slows the window down.

    Args:
        listener: Hears what the room says.
        topic: That of the text streams that are read.
        attribute: The participants' attribute that is watched.
    """
    if os.environ.get(TAP_VARIABLE) == "0":
        return None
    try:
        from atlas_desktop.media.room_inbox import RoomInbox
    except ImportError as error:
        log.warning("the room's inbox does not fit this livekit: %s", error)
        return None
    return RoomInbox(listener, topic, attribute)
