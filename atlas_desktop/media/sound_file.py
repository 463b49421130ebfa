"""The boundary to FFmpeg: the sound of any file as mono 48 kHz, its failures mapped to our errors."""

import re
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.container import InputContainer

from atlas_desktop.errors import EmptyAudioError, MediaError, UnreadableAudioError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Samples
from atlas_desktop.media.container import (
    FAULTS,
    is_chained_ogg,
    next_ogg_stream,
    open_container,
    sound_tracks,
    take_only,
)
from atlas_desktop.media.conversion import MonoConverter
from atlas_desktop.media.fades import DropoutFader
from atlas_desktop.media.sound_bytes import SoundBytes
from atlas_desktop.media.sound_frames import LONGEST_S, SoundFrames

_MICROSECONDS = Fraction(1, 1_000_000)
# In these a place is computed from the header's bytes a second: of plain samples only that is known.
_BY_BYTE_RATE = frozenset({"wav", "w64"})
_PLAIN_SAMPLES = re.compile(r"pcm_(?:[usf](\d+)[bl]?e?|alaw|mulaw)$")
# Their timestamps are right after a seek; an MP3's or AAC's are a guess, off by a frame or by seconds.
_EXACT = frozenset({"wav", "w64", "aiff", "au", "caf", "flac", "ogg", "mov", "mp4", "matroska"})
# Decoders need preroll: 80 ms in Opus, a frame or two in MP3 and AAC.
_RUN_UP_S = 0.3
_FAR_S = 30.0
_SLACK_S = 0.0015  # Matroska counts in milliseconds
# How much of the end is decoded to find out whether a file is as long as it says, and how far off it may be.
_TAIL_S = 2.0
_TAIL_SLACK_S = 0.25
_MOST_TRACKS = 8
# So much must be decoded without a fault before unknown bytes count as sound: noise may look like a frame.
_HEARD_SAMPLES = SAMPLE_RATE_HZ // 5
# CPU limit for counting: decoding an hour of speech, 14 MB, takes 10 s; a file that loops is given up.
_COUNT_CPU_S = 1.5
_COUNT_BYTES_PER_CPU_S = 500_000


def holds_sound(path: Path) -> bool:
    """Return whether FFmpeg finds sound in a file, whatever its name. Blocks as the disk does.

    Raises:
        MediaError: It is not there, may not be read, or its disk fails.
    """
    try:
        with SoundFile(path) as file:
            heard = 0
            for samples in file.samples():
                heard += len(samples)
                if heard >= _HEARD_SAMPLES:
                    break
            return heard > 0 and not file.is_broken
    except (EmptyAudioError, UnreadableAudioError):
        return False


class SoundFile:
    """An open file with sound in it: any format that FFmpeg decodes, the sound of a video too.

    One thread at a time.

    Attributes:
        path: Where it lies.
        duration_s: Its length according to its header; ``None`` if that does not say.
        channels: Of the file, not of ``samples``.
        rate_hz: Of the file.
    """

    def __init__(
        self, path: Path, stop: threading.Event | None = None, source: SoundBytes | None = None
    ) -> None:
        """Open the file.

        Args:
            path: Where it lies.
            stop: Set by any thread to end all reading soon.
            source: The open file, if it is open already.

        Raises:
            MissingFileError: It is not there.
            EmptyAudioError: It has no bytes.
            UnreadableAudioError: It holds no sound that can be read.
        """
        self.path = path
        self._lead_samples = 0
        self._is_chained: bool | None = None  # not known yet
        self._source = source or SoundBytes(path, stop)
        try:
            self._open_best()
        except BaseException:
            self._source.release()
            raise
        self.channels: int = self._stream.codec_context.channels
        self.rate_hz: int = self._stream.codec_context.sample_rate
        self.duration_s = self._duration_s()

    def __enter__(self) -> "SoundFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def duplicate(self) -> "SoundFile":
        """Return a second decoder over the same open file, for one other thread; close it before this one."""
        return SoundFile(self.path, source=self._source.duplicate())

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        self._source.release()

    @property
    def is_broken(self) -> bool:
        """Whether something could not be decoded so far."""
        return self._frames.broken > 0

    @property
    def cut_short(self) -> bool:
        """Whether the file was shortened after it was opened, became unreadable, or exceeded a limit."""
        return self._source.cut_short or self._source.exceeded

    def samples(self) -> Iterator[Samples]:
        """Yield what can be decoded from here on, mono 48 kHz, finite, in pieces of 0 to 350 ms.

        A file that is cut off or broken inside yields what it has, without an error; at a gap the sound fades
        out and in.
        """
        lead, self._lead_samples = self._lead_samples, 0
        for part in self._faded():
            yield part[lead:]
            lead = max(0, lead - len(part))

    def seek(self, position_s: float) -> bool:
        """Seek near ``position_s``, maybe a second before it; return False if the file can't."""
        try:
            self._container.seek(int(position_s / _MICROSECONDS))
        except FAULTS:
            return False
        self._frames.moved()
        self._lead_samples = 0
        return True

    def seek_exactly(self, position_s: float) -> None:
        """Let the next ``samples`` begin ``position_s`` after the first sample; past the end there are none.

        Where timestamps can't be trusted, the file is read from its start: 0.5 s for an hour of MP3.

        Raises:
            UnreadableAudioError: It was overwritten by something else.
        """
        if self._frames.start_s is None:
            self._frames.first()
        if not self._seek_by_index(position_s):
            self._reopen()
            self._take_lead(position_s, self._frames.walk_to(position_s - _RUN_UP_S))

    def _faded(self) -> Iterator[Samples]:
        converter, fader = MonoConverter(), DropoutFader()
        for frame in self._frames.all():
            for part in converter.flush() if frame is None else converter.convert(frame):
                yield fader.gap() if part is None else fader.process(part)
            if frame is None:
                yield fader.gap()
        for part in converter.flush():
            yield fader.gap() if part is None else fader.process(part)
        yield fader.flush()

    def length_s(self) -> float | None:
        """Return the true length; ``None`` if stopped, or if it takes too long to find out.

        An index that is right at its end, as 2 s of sound show, is believed; else everything is counted:
        0.5 s for an hour of MP3. The place of what is read next is undefined.
        """
        self._source.limit_whole(_COUNT_CPU_S + self._source.size_bytes / _COUNT_BYTES_PER_CPU_S)
        try:
            found_s = self._length_by_index()
            if found_s is None:
                found_s = self._length_by_count()
            return None if self._source.is_over() else found_s
        except MediaError:
            if not self._source.is_over():
                raise
            return None
        finally:
            self._source.limit_whole(None)

    def nothing_in_it(self) -> MediaError:
        """Return the error to report if ``samples`` yielded nothing."""
        kind = UnreadableAudioError if self._frames.broken or self._source.exceeded else EmptyAudioError
        return kind(name=self.path.name)

    def _open_best(self) -> None:
        """Open the best track of which something can be decoded."""
        self._container = open_container(self._source, self.path)
        tracks = sound_tracks(self._container)[:_MOST_TRACKS]
        for index in tracks:
            self._use(index)
            if len(tracks) == 1 or self._frames.first() is not None:
                return
            self._container.close()
            self._container = open_container(self._source, self.path)
        self._use(tracks[0])

    def _reopen(self) -> None:
        """Go to the start by opening the container again; what was found out of it is kept."""
        index = self._track
        self._container.close()
        self._source.begin_at(0)
        self._container = open_container(self._source, self.path)
        if index not in sound_tracks(self._container):
            self._container.close()
            raise UnreadableAudioError(name=self.path.name)
        self._use(index, self._frames)

    def _use(self, index: int, before: SoundFrames | None = None) -> None:
        self._track = index
        self._stream = take_only(self._container, index)
        if self._stream.codec_context.name == "flac":
            # The one codec with a checksum in every frame: what is damaged is left out, not heard.
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._frames = SoundFrames(self._source, self._container, self._stream, before, self._open_next)

    def _open_next(self, last_packet_at: int) -> tuple[InputContainer, av.AudioStream] | None:
        """Open the next stream of a chained Ogg file, where FFmpeg does not go on by itself."""
        if self._container.format.name != "ogg":
            return None
        here = self._source.start
        self._source.begin_at(0)
        start = next_ogg_stream(self._source, here + last_packet_at)
        if start is None:
            return None
        self._is_chained = True
        self._source.begin_at(start)
        try:
            container = open_container(self._source, self.path)
        except MediaError:
            return None
        tracks = sound_tracks(container)
        if not tracks:
            container.close()
            return None
        self._container.close()
        self._container, self._stream = container, take_only(container, tracks[0])
        return self._container, self._stream

    def _seek_by_index(self, position_s: float) -> bool:
        """Seek by the file's index; return False if it has none, or none to be trusted."""
        start_s = self._frames.start_s
        if start_s is None or not self._knows_places or position_s > (self.duration_s or 0.0):
            return False  # where the length is unknown, as of a chained Ogg, places are too
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
        """Skip from ``at_s``, where the next samples begin, to ``position_s``."""
        self._lead_samples = max(0, round((position_s - at_s) * SAMPLE_RATE_HZ))

    def _length_by_index(self) -> float | None:
        """Decode the last seconds; return ``None`` if they aren't where the file says they are."""
        if self._frames.start_s is None:
            self._frames.first()
        start_s, said_s = self._frames.start_s, self.duration_s
        if said_s is None or start_s is None or not self._knows_places:
            return None
        if said_s < 2 * _TAIL_S or not self.seek(start_s + said_s - _TAIL_S):
            return None
        place_s = self._frames.place_s()
        if place_s is None:
            return None
        found_s = place_s - start_s + self._frames.rest_s()
        return found_s if abs(found_s - said_s) < _TAIL_SLACK_S else None

    def _length_by_count(self) -> float:
        """Read all of it; where something can't be decoded, decode all of it."""
        decodes = self._frames.broken > 0
        self._reopen()
        if self._frames.start_s is None and not decodes:
            self._frames.first()
            self._reopen()
        return self._frames.count_s(decoding=decodes)

    @property
    def _knows_places(self) -> bool:
        """Whether a seek by the file's index arrives where it should."""
        form = self._container.format.name
        if form in _BY_BYTE_RATE and not self._is_byte_rate_true:
            return False
        if form == "ogg" and self._is_chained is None:
            place = self._source.tell()
            self._is_chained = is_chained_ogg(self._source)
            self._source.seek(place)
        return not self._is_chained and bool(_EXACT.intersection(form.split(",")))

    @property
    def _is_byte_rate_true(self) -> bool:
        """Whether the header's byte rate is that of the samples; if it is 0, FFmpeg computes it from them."""
        codec = self._stream.codec_context
        plain = _PLAIN_SAMPLES.match(codec.name)
        true_bits_s = self.rate_hz * self.channels * int(plain[1] or 8) if plain else -1
        return (codec.bit_rate or 0) in (0, true_bits_s) and plain is not None

    def _duration_s(self) -> float | None:
        """Return what the header says, unless that is impossible."""
        said_s: float | None = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            said_s = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None:
            said_s = float(self._container.duration * _MICROSECONDS)
        return said_s if said_s is not None and 0.0 < said_s < LONGEST_S else None
