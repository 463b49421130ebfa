"""Opening a container: within limits, reaching no other file, and choosing the audio track to play."""

import ctypes
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Discard, Disposition

from atlas_desktop.errors import UnreadableAudioError
from atlas_desktop.media.formats import readable
from atlas_desktop.media.sound_bytes import SoundBytes

log = logging.getLogger(__name__)

LARGEST_MB = 150
"""FFmpeg's limit for one allocation: a header of four bytes must not cost gigabytes.

An 8K picture of four bytes a pixel has 133; sound, its tables and packets stay far below.
"""
# FFmpeg's own 5 MB make it decode a third of a second of 8-channel 192 kHz sound before it opens.
# Where 64 kB don't show the sound (a video with a late first packet), its own value is used after all.
_PROBE_SIZES: tuple[dict[str, str], ...] = ({"probesize": "65536"}, {})
# A dropped playlist must not make FFmpeg read other files or the network: no protocol has that name.
_NO_OTHER_FILE = {"protocol_whitelist": "none", "max_streams": "256"}
_OPEN_CPU_S = 1.5

FAULTS = (
    av.error.FFmpegError,
    OSError,
    ValueError,
    MemoryError,
    AssertionError,
    LookupError,
    ArithmeticError,
)
"""What a broken file may raise: FFmpeg's errors, and PyAV's for odd numbers and for tracks found late."""

MOST_CHANNELS = 64
RATES_HZ = range(1_000, 1_000_001)
_OGG_HEADER_BYTES, _OGG_MOST_SEGMENTS, _OGG_BEGINS_STREAM = 27, 255, 0x02
# No stream ends before that many pages; a file of hours has some 100,000.
_OGG_MOST_PAGES = 1_000_000
_ADX, _ADX_MARK = b"\x80\0", b"(c)CRI"
# Commentaries and the like. Checked before "default": many programs mark every track as that.
_SECONDARY = Disposition.hearing_impaired | Disposition.visual_impaired | Disposition.comment


def open_container(source: SoundBytes, path: Path) -> InputContainer:
    """Open what ``source`` reads, from its start.

    Raises:
        UnreadableAudioError: FFmpeg does not know it, or it takes too long to find out.
    """
    limit_allocations()
    failure: Exception | None = None
    formats = readable(_deadly(source))
    for options in _PROBE_SIZES:
        source.seek(0, os.SEEK_SET)
        source.limit(_OPEN_CPU_S)
        try:
            container = av.open(
                source,
                "r",
                metadata_errors="replace",
                options={**_NO_OTHER_FILE, "format_whitelist": formats, **options},
            )
        except FAULTS as error:
            failure = error
            continue
        if _is_known(container) or (not options and sound_tracks(container)):
            return container
        container.close()
    raise UnreadableAudioError(name=path.name, detail=type(failure).__name__ if failure else "") from failure


def _deadly(source: SoundBytes) -> frozenset[str]:
    """Return the formats whose demuxer would crash the process over this file (found by fuzzing)."""
    source.seek(0, os.SEEK_SET)
    head = source.read(12)
    if not head.startswith(_ADX) or len(head) < 12:
        return frozenset()
    source.seek(int.from_bytes(head[2:4], "big") + 4 - len(_ADX_MARK), os.SEEK_SET)
    # FFmpeg divides by zero over every ADX variant but the one that it can decode.
    is_usual = head[4:7] == b"\x03\x12\x04" and head[7] in (1, 2) and source.read(len(_ADX_MARK)) == _ADX_MARK
    return frozenset() if is_usual and 0 < int.from_bytes(head[8:12], "big") < 1 << 22 else frozenset({"adx"})


def sound_tracks(container: InputContainer) -> list[int]:
    """Return the indices of the tracks that can be decoded, the best first.

    Commentaries come last, defaults first; among equals FFmpeg's choice.
    """
    best = container.streams.best("audio")
    able = [stream for stream in container.streams.audio if _is_able(stream)]
    able.sort(key=lambda stream: (*_rank(stream), stream != best, stream.index))
    return [stream.index for stream in able]


def take_only(container: InputContainer, index: int) -> av.AudioStream:
    """Return a track and discard all others: where the format allows, they are not even read."""
    for stream in container.streams:
        if stream.index != index:
            stream.discard = Discard.all
    track = container.streams[index]
    assert isinstance(track, av.AudioStream)
    return track


def _is_known(container: InputContainer) -> bool:
    """Return whether enough is known of all decodable tracks to choose one."""
    decoders = [track for track in container.streams.audio if _has_decoder(track)]
    return bool(decoders) and all(_is_able(track) for track in decoders)


def _has_decoder(track: av.AudioStream) -> bool:
    # Without a decoder PyAV has no context, whatever its types say, and ``rate`` raises.
    return getattr(track, "codec_context", None) is not None


def _is_able(track: av.AudioStream) -> bool:
    if not _has_decoder(track):
        return False
    return track.codec_context.sample_rate in RATES_HZ and 0 < track.codec_context.channels <= MOST_CHANNELS


def _rank(track: av.AudioStream) -> tuple[bool, bool]:
    return bool(_SECONDARY & track.disposition), Disposition.default not in track.disposition


def is_chained_ogg(source: SoundBytes) -> bool:
    """Return whether an Ogg file is several streams in a row, as a radio's recorder leaves it.

    FFmpeg takes the times of one for those of all, and ends where channels or codec change. Reads every
    page's header: 0.2 s for 100 MB. Moves the place in ``source``.
    """
    places = _ogg_streams(source, 0)
    return next(places, None) is not None and next(places, None) is not None


def next_ogg_stream(source: SoundBytes, place: int) -> int | None:
    """Return where the next stream begins behind the page at ``place``, or ``None``."""
    return next((found for found in _ogg_streams(source, place) if found > place), None)


def _ogg_streams(source: SoundBytes, place: int) -> Iterator[int]:
    """Yield where streams begin from the page at ``place`` on; those that begin together count as one.

    Source: RFC 3533, section 6.
    """
    began = False
    for _ in range(_OGG_MOST_PAGES):
        source.seek(place, os.SEEK_SET)
        header = source.read(_OGG_HEADER_BYTES + _OGG_MOST_SEGMENTS)
        if len(header) < _OGG_HEADER_BYTES or not header.startswith(b"OggS"):
            return
        begins = bool(header[5] & _OGG_BEGINS_STREAM)
        if begins and not began:
            yield place
        began = begins
        segments = header[26]
        place += _OGG_HEADER_BYTES + segments
        place += sum(header[_OGG_HEADER_BYTES : _OGG_HEADER_BYTES + segments])


@functools.cache
def limit_allocations() -> bool:
    """Set FFmpeg's ``av_max_alloc`` for this process, once; return False if its library is not found.

    PyAV has no name for it. On Linux and macOS a module of PyAV leads to all it is linked with, on Windows
    the library lies beside it.
    """
    for path in _libraries():
        try:
            set_limit = ctypes.CDLL(str(path)).av_max_alloc
        except (OSError, AttributeError):
            continue
        set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
        set_limit(LARGEST_MB << 20)
        return True
    log.info("FFmpeg's allocations stay without a limit: its library was not found")
    return False


def _libraries() -> Iterator[Path]:
    package = Path(av.__file__).parent
    yield from sorted(package.glob("_core*"))
    yield from sorted(package.parent.glob("av.libs/avutil*.dll"))
