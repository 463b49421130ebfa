"""The boundary to FFmpeg: the sound of any file as mono 48 kHz, and its failures as our errors."""

import contextlib
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from atlas_desktop.errors import EmptyAudioError, MediaError, MissingFileError, UnreadableAudioError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

_MICROSECONDS = Fraction(1, 1_000_000)
# FFmpeg's own 5 MB make it decode a third of a second of 8-channel 192 kHz sound before it opens.
# Where 64 kB don't show the sound (a video with a late first packet), its own value is used after all.
_PROBE_SIZES: tuple[dict[str, str], ...] = ({"probesize": "65536"}, {})
# A dropped playlist must not make us read other files or ask the network.
_LOCAL_ONLY = {"protocol_whitelist": "file"}


class SoundFile:
    """An open file with sound in it: any format that FFmpeg decodes, the sound of a video too.

    One thread at a time.

    Attributes:
        path: Where it lies.
        duration_s: What the file says about its length, ``None`` when it does not say.
        channels: Of the file, not of what ``samples`` gives.
        rate_hz: Of the file.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            MissingFileError: It is not there.
            EmptyAudioError: It has no bytes.
            UnreadableAudioError: It holds no sound that can be read.
        """
        self.path = path
        self._broken = 0
        with _mapped(path):
            if path.stat().st_size == 0:
                raise EmptyAudioError(name=path.name)
            self._container = _open(path)
        self._stream = self._container.streams.audio[0]
        self.channels: int = self._stream.channels
        self.rate_hz: int = self._stream.rate
        self.duration_s = self._duration_s()

    def __enter__(self) -> "SoundFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def samples(self) -> Iterator[NDArray[np.int16]]:
        """What can be decoded from here on, int16 (n,), mono 48 kHz, in pieces of 1 to 350 ms.

        A file that is cut off or broken inside gives what it has, without an error.
        """
        resampler: AudioResampler | None = None
        setup: tuple[str, str, int] | None = None
        for frame in self._frames():
            this = (frame.format.name, frame.layout.name, frame.sample_rate)
            if resampler is None or this != setup:
                yield from _resampled(resampler, None)
                resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
                setup = this
            yield from _resampled(resampler, frame)
        yield from _resampled(resampler, None)

    def seek(self, position_s: float) -> bool:
        """Goes near ``position_s``; False when the file can't."""
        try:
            self._container.seek(int(position_s / _MICROSECONDS))
        except av.error.FFmpegError:
            return False
        return True

    def nothing_in_it(self) -> MediaError:
        """The error to report when ``samples`` gave nothing."""
        kind = UnreadableAudioError if self._broken else EmptyAudioError
        return kind(name=self.path.name)

    def _frames(self) -> Iterator[av.AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except StopIteration:
                return
            except (av.error.InvalidDataError, av.error.EOFError) as error:
                self._broken += 1
                if isinstance(error, av.error.EOFError):
                    return
                continue
            except (av.error.FFmpegError, OSError) as error:
                # A drive that was pulled, a codec that gave up: what came so far is kept.
                log.info("%s broke off: %s", self.path.suffix, type(error).__name__)
                self._broken += 1
                return
            for frame in frames:
                if isinstance(frame, av.AudioFrame):
                    yield frame

    def _duration_s(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return float(self._container.duration * _MICROSECONDS)
        return None


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Turns what FFmpeg and the system raise into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(name=path.name) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableAudioError(name=path.name, detail=type(error).__name__) from error


def _open(path: Path) -> InputContainer:
    failure: av.error.FFmpegError | None = None
    for options in _PROBE_SIZES:
        try:
            # With the prefix a colon in the name is not taken for a protocol.
            container = av.open(f"file:{path}", metadata_errors="replace", options={**_LOCAL_ONLY, **options})
        except av.error.InvalidDataError as error:
            failure = error
            continue
        if (
            container.streams.audio
            and container.streams.audio[0].rate
            and container.streams.audio[0].channels
        ):
            return container
        container.close()
    raise failure or UnreadableAudioError(name=path.name)


def _resampled(resampler: AudioResampler | None, frame: av.AudioFrame | None) -> Iterator[NDArray[np.int16]]:
    if resampler is not None:
        for part in resampler.resample(frame):
            samples: NDArray[np.int16] = part.to_ndarray()[0]
            yield samples
