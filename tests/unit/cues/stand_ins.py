"""A speaker that does what the test says, and readers without files."""

import threading
from collections.abc import Callable, Generator
from pathlib import Path

from atlas_desktop.errors import AppError, EmptyAudioError, SilentAudioError, UnreadableAudioError
from atlas_desktop.media.blocks import Block, BlockReader
from atlas_desktop.media.clip_reader import ReportCallback
from atlas_desktop.media.probe import ClipInfo
from atlas_desktop.media.speaker import (
    ClipEvent,
    ClipFailed,
    ClipFinished,
    ClipHeld,
    ClipReleased,
    ClipStarted,
    EventCallback,
)


class NamedReader:
    """Stands for an open file; one of a bad name says so at once."""

    def __init__(
        self,
        path: Path,
        known: ClipInfo | None = None,
        match_loudness: bool = True,
        on_report: ReportCallback = lambda _report: None,
    ) -> None:
        self.match_loudness = match_loudness
        self.loudness_lufs = known.loudness_lufs if known else None
        self.report = on_report
        self.name = path.name
        self.closed = False
        if path.stem.startswith("bad"):
            on_report(UnreadableAudioError(name=path.name))

    def read(self) -> Block | None:
        return None

    @property
    def finished(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class FakeSpeaker:
    """Keeps what it was told; the test lets clips start, end and fail."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.position_s = 0.0
        self.current: BlockReader | None = None
        self.following: BlockReader | None = None
        self.paused = False
        self.held = False
        self._callbacks: list[EventCallback] = []

    @property
    def playing(self) -> bool:
        return self.current is not None and not self.paused and not self.held

    def play(self, reader: BlockReader) -> None:
        self._note("play", reader)
        self.current, self.following, self.paused = reader, None, False

    def follow_with(self, reader: BlockReader | None) -> None:
        self._note("follow", reader)
        self.following = reader

    def pause(self) -> None:
        self.log.append("pause")
        self.paused = True

    def resume(self) -> None:
        self.log.append("resume")
        self.paused = False

    def seek(self, position_s: float) -> None:
        self.log.append(f"seek {position_s}")

    def interrupt(self) -> None:
        self.log.append("interrupt")
        self.current = self.following = None

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def tell(self, event: ClipEvent) -> None:
        for callback in tuple(self._callbacks):
            callback(event)

    def start(self) -> None:
        assert self.current is not None
        self.tell(ClipStarted(self.current, 1))

    def hold(self, held: bool) -> None:
        """Nobody can hear the current clip, or somebody can again."""
        assert self.current is not None
        self.held = held
        self.tell(ClipHeld(self.current) if held else ClipReleased(self.current))

    def finish(self, error: AppError | None = None) -> None:
        """The current clip ends or fails; what follows starts."""
        assert self.current is not None
        ended, self.current, self.following = self.current, self.following, None
        self.tell(ClipFinished(ended) if error is None else ClipFailed(ended, error))
        if self.current is not None:
            self.start()

    def _note(self, what: str, reader: BlockReader | None) -> None:
        self.log.append(f"{what} {reader.name if isinstance(reader, NamedReader) else 'nothing'}")


def look_at(path: Path, _stop: threading.Event) -> Generator[ClipInfo, None, None]:
    """Knows every file by its name; a long one is four times as long as it says."""
    if path.stem.startswith("bad"):
        raise UnreadableAudioError(name=path.name)
    if path.stem.startswith("empty"):
        raise EmptyAudioError(name=path.name)
    if path.stem.startswith("silent"):
        yield ClipInfo(12.0, (0, 0, 0), None, is_exact=True, remark=SilentAudioError(name=path.name))
    elif path.stem.startswith("long"):
        yield ClipInfo(45.0, (1, 2, 3))
        yield ClipInfo(180.0, (1, 2, 3), is_exact=True)
    else:
        yield ClipInfo(12.0, (1, 2, 3), -20.0, is_exact=True)
