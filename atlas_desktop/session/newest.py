"""The newest of several tracks wins; when it goes, the one before it is taken again."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

_MENDS_A_TRACK = 3


class Breakable(Protocol):
    """A stream that may have lost its way to the feed by an error of ours."""

    @property
    def failed(self) -> bool: ...


H = TypeVar("H", bound=Breakable)


class Newest(Generic[H]):
    """Keeps exactly one stream open: that of the track which came last.

    Args:
        open_stream: Opens a track's stream.
        close_stream: Closes it again.
        on_presence: Called when the first track came, and when the last one went.
    """

    def __init__(
        self,
        open_stream: Callable[[Any], H],
        close_stream: Callable[[H], None],
        on_presence: Callable[[bool], None],
    ) -> None:
        self._open_stream = open_stream
        self._close_stream = close_stream
        self._on_presence = on_presence
        self._tracks: dict[str, Any] = {}
        self._name: str | None = None
        self._handle: H | None = None
        self._present = False
        self._mends_left = _MENDS_A_TRACK

    @property
    def name(self) -> str | None:
        """The id of the track whose stream is open."""
        return self._name

    def add(self, name: str, track: Any) -> None:
        """``track`` came; ``name`` is its id."""
        self._tracks.pop(name, None)
        self._tracks[name] = track
        if self._name == name:
            self._close()  # the same id with a new track behind it
        self._follow()

    def remove(self, name: str) -> None:
        """The track went; nothing happens when it was not known."""
        if self._tracks.pop(name, None) is not None:
            self._follow()

    def clear(self) -> None:
        """All tracks are let go."""
        self._tracks.clear()
        self._follow()

    def mend(self) -> None:
        """Opens the stream anew when it has failed; a track that fails again and again is given up."""
        if self._handle is not None and self._handle.failed and self._mends_left:
            self._mends_left -= 1
            name, track = self._name, self._tracks[str(self._name)]
            self._close()
            self._handle, self._name = self._open_stream(track), name

    def _follow(self) -> None:
        wanted = next(reversed(self._tracks), None)
        if wanted == self._name:
            return
        self._close()
        if wanted is not None:
            self._handle = self._open_stream(self._tracks[wanted])
            self._name = wanted
            self._mends_left = _MENDS_A_TRACK
        if self._present != (wanted is not None):
            self._present = wanted is not None
            self._on_presence(self._present)

    def _close(self) -> None:
        if self._handle is not None:
            self._close_stream(self._handle)
        self._handle = None
        self._name = None
