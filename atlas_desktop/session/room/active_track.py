"""The one open track of a kind: the newest wins; when it leaves, the one before it is opened again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas_desktop.media.tap import TapStream

_REOPENS_PER_TRACK = 3  # an error of ours that repeats will not go away


class ActiveTrack:
    """Keeps exactly one stream open: that of the track that came last.

    Args:
        open_stream: Opens a track's stream.
        on_presence: Called when the first track came, and when the last one left.

    Attributes:
        name: The id of the track whose stream is open.
    """

    def __init__(
        self, open_stream: "Callable[[Any], TapStream]", on_presence: Callable[[bool], None]
    ) -> None:
        self.name: str | None = None
        self._open_stream = open_stream
        self._on_presence = on_presence
        self._tracks: dict[str, Any] = {}
        self._handle: TapStream | None = None
        self._present = False
        self._reopens_left = _REOPENS_PER_TRACK

    def add(self, name: str, track: Any) -> None:
        """Make ``track`` the newest; ``name`` is its id."""
        self._tracks.pop(name, None)
        self._tracks[name] = track
        if self.name == name:
            self._close()  # the same id with a new track behind it
        self._update()

    def remove(self, name: str) -> None:
        """Drop a track; an unknown one is ignored."""
        if self._tracks.pop(name, None) is not None:
            self._update()

    def clear(self) -> None:
        """Drop all tracks."""
        self._tracks.clear()
        self._update()

    def reopen_failed(self) -> None:
        """Reopen the stream if it has failed; a track that fails again and again is given up."""
        if self._handle is not None and self._handle.failed and self._reopens_left:
            self._reopens_left -= 1
            name, track = self.name, self._tracks[str(self.name)]
            self._close()
            self._handle, self.name = self._open_stream(track), name

    def _update(self) -> None:
        wanted = next(reversed(self._tracks), None)
        if wanted == self.name:
            return
        self._close()
        if wanted is not None:
            self._handle = self._open_stream(self._tracks[wanted])
            self.name = wanted
            self._reopens_left = _REOPENS_PER_TRACK
        if self._present != (wanted is not None):
            self._present = wanted is not None
            self._on_presence(self._present)

    def _close(self) -> None:
        if self._handle is not None:
            self._handle.close()
        self._handle = None
        self.name = None
