"""The boundary to FFmpeg: the sound of any file as mono 48 kHz, and its failures as our errors."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.container import InputContainer
from av.stream import Discard

from atlas_desktop.errors import EmptyAudioError, MediaError, NotAFileError, UnreadableAudioError
from atlas_desktop.files import RegularFile, open_regular
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.conversion import MonoConverter
from atlas_desktop.media.graphs import Samples
from atlas_desktop.media.mending import Mender
from atlas_desktop.media.sound_frames import SoundFrames

_MICROSECONDS = Fraction(1, 1_000_000)
# FFmpeg's own 5 MB make it decode a third of a second of 8-channel 192 kHz sound before it opens.
# Where 64 kB don't show the sound (a video with a late first packet), its own value is used after all.
_PROBE_SIZES: tuple[dict[str, str], ...] = ({"probesize": "65536"}, {})
# Their times are right after a seek; an MP3's or AAC's are a guess, off by a frame or by seconds.
_EXACT = frozenset({"wav", "w64", "aiff", "au", "caf", "flac", "ogg", "mov", "mp4", "matroska"})
# Decoders need what came before: 80 ms in Opus, a frame or two in MP3 and AAC.
_RUN_UP_S = 0.3
_FAR_S = 30.0
_SLACK_S = 0.0015  # Matroska counts in milliseconds
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
            MediaError: It is not there, may not be read, or its disk fails.
            EmptyAudioError: It has no bytes.
            UnreadableAudioError: It holds no sound that can be read.
        """
        self.path = path
        self._lead_samples = 0
        self._open()
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
        self._content.close()

    def samples(self) -> Iterator[Samples]:
        """What can be decoded from here on, mono 48 kHz, finite, in pieces of 0 to 350 ms.

        A file that is cut off or broken inside gives what it has, without an error; where something is
        missing the sound fades out and in.
        """
        converter, mender = MonoConverter(), Mender()
        lead, self._lead_samples = self._lead_samples, 0
        for frame in self._frames.all():
            if frame is None:
                parts = [*(mender.mend(part) for part in converter.flush()), mender.seam()]
            else:
                parts = [mender.mend(part) for part in converter.convert(frame)]
            for part in parts:
                yield part[lead:]
                lead = max(0, lead - len(part))
        for part in [*(mender.mend(part) for part in converter.flush()), mender.flush()]:
            yield part[lead:]
            lead = max(0, lead - len(part))

    def seek(self, position_s: float) -> bool:
        """Goes near ``position_s``, maybe a second before; False when the file can't."""
        try:
            self._container.seek(int(position_s / _MICROSECONDS))
        except av.error.FFmpegError:
            return False
        self._frames.moved()
        self._lead_samples = 0
        return True

    def seek_exactly(self, position_s: float) -> None:
        """The next ``samples`` begin ``position_s`` after the first sample; past the end there are none.

        Where the file's own times can't be trusted, it is read from its start: 0.5 s for an hour of MP3.

        Raises:
            MediaError: It went meanwhile, or its disk fails.
            UnreadableAudioError: It was replaced by something else.
        """
        if self._frames.start_s is None:
            self._frames.first()
        if not self._seek_by_index(position_s):
            self.close()
            self._open(self._frames)
            self._take_lead(position_s, self._frames.walk_to(position_s - _RUN_UP_S))

    def nothing_in_it(self) -> MediaError:
        """The error to report when ``samples`` gave nothing."""
        kind = UnreadableAudioError if self._frames.broken else EmptyAudioError
        return kind(name=self.path.name)

    def _open(self, before: SoundFrames | None = None) -> None:
        # Opened by us, not by FFmpeg: it would wait for a pipe for ever.
        try:
            self._content = open_regular(self.path)
        except NotAFileError as error:
            raise UnreadableAudioError(name=self.path.name, detail=error.params["detail"]) from error
        try:
            with _mapped(self.path):
                if self._content.size_bytes == 0:
                    raise EmptyAudioError(name=self.path.name)
                self._container = _open(self.path, self._content)
        except BaseException:
            self._content.close()
            raise
        self._stream = self._container.streams.audio[0]
        if self._stream.codec_context.name == "flac":
            # The one codec with a checksum in every frame: what is damaged is left out, not heard.
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._frames = SoundFrames(self._container, self._stream, before)

    def _seek_by_index(self, position_s: float) -> bool:
        """Goes where the file's own index says; False when that can't be, or can't be trusted."""
        start_s = self._frames.start_s
        if start_s is None or not _EXACT.intersection(self._container.format.name.split(",")):
            return False
        if not self.seek(max(start_s, start_s + position_s - _RUN_UP_S)):
            return False
        frame = self._frames.first()
        if frame is None or frame.time is None:
            return False
        at_s = frame.time - start_s
        if not position_s - _FAR_S < at_s <= position_s + _SLACK_S:
            return False
        self._take_lead(position_s, at_s)
        return True

    def _take_lead(self, position_s: float, at_s: float) -> None:
        """What comes next begins at ``at_s``: leaves out all before ``position_s``."""
        self._lead_samples = max(0, round((position_s - at_s) * SAMPLE_RATE_HZ))

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
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableAudioError(name=path.name, detail=type(error).__name__) from error


def _open(path: Path, content: RegularFile) -> InputContainer:
    failure: av.error.FFmpegError | None = None
    for options in _PROBE_SIZES:
        try:
            content.seek(0)
            container = av.open(content, "r", metadata_errors="replace", options={**_LOCAL_ONLY, **options})
        except av.error.InvalidDataError as error:
            failure = error
            continue
        if (
            container.streams.audio
            and container.streams.audio[0].rate
            and container.streams.audio[0].channels
        ):
            for stream in container.streams:
                if stream is not container.streams.audio[0]:
                    stream.discard = Discard.all  # pictures are not even read, where the format allows
            return container
        container.close()
    raise failure or UnreadableAudioError(name=path.name)
