"""Opening a container: bounded, reaching nothing else, and which of its sound tracks is the one to play."""

import os
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Discard, Disposition

from atlas_desktop.errors import UnreadableAudioError
from atlas_desktop.media.allocation import limit_allocations
from atlas_desktop.media.formats import readable
from atlas_desktop.media.sound_bytes import SoundBytes

# FFmpeg's own 5 MB make it decode a third of a second of 8-channel 192 kHz sound before it opens.
# Where 64 kB don't show the sound (a video with a late first packet), its own value is used after all.
_PROBE_SIZES: tuple[dict[str, str], ...] = ({"probesize": "65536"}, {})
# A dropped playlist must not make us read other files or ask the network: no protocol has that name.
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
"""What a broken file may raise: FFmpeg's errors, and what PyAV makes of odd numbers and of late tracks."""

MOST_CHANNELS = 64
RATES_HZ = range(1_000, 1_000_001)
_ADX, _ADX_MARK = b"\x80\0", b"(c)CRI"
# Spoken over the sound that is meant, or in place of it. Many a program calls every track a default.
_BESIDE = Disposition.hearing_impaired | Disposition.visual_impaired | Disposition.comment


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
    """Formats whose reader in FFmpeg takes the process down over this file: found by hostile ones."""
    source.seek(0, os.SEEK_SET)
    head = source.read(12)
    if not head.startswith(_ADX) or len(head) < 12:
        return frozenset()
    source.seek(int.from_bytes(head[2:4], "big") + 4 - len(_ADX_MARK), os.SEEK_SET)
    # It divides by zero over every variant but the one that can be decoded.
    is_usual = head[4:7] == b"\x03\x12\x04" and head[7] in (1, 2) and source.read(len(_ADX_MARK)) == _ADX_MARK
    return frozenset() if is_usual and 0 < int.from_bytes(head[8:12], "big") < 1 << 22 else frozenset({"adx"})


def sound_tracks(container: InputContainer) -> list[int]:
    """Return the tracks that can be decoded, by index, the best first.

    Commentaries come last, defaults first, and of what is alike FFmpeg's choice.
    """
    best = container.streams.best("audio")
    able = [stream for stream in container.streams.audio if _is_able(stream)]
    able.sort(key=lambda stream: (*_rank(stream), stream != best, stream.index))
    return [stream.index for stream in able]


def take_only(container: InputContainer, index: int) -> av.AudioStream:
    """Return a track; pictures and other tracks are not even read, where the format allows."""
    for stream in container.streams:
        if stream.index != index:
            stream.discard = Discard.all
    track = container.streams[index]
    assert isinstance(track, av.AudioStream)
    return track


def _is_known(container: InputContainer) -> bool:
    """Whether all that can be decoded is known well enough to choose."""
    decoders = [track for track in container.streams.audio if _has_decoder(track)]
    return bool(decoders) and all(_is_able(track) for track in decoders)


def _has_decoder(track: av.AudioStream) -> bool:
    # PyAV has no context where FFmpeg has no decoder, whatever its types say; ``rate`` raises then.
    return getattr(track, "codec_context", None) is not None


def _is_able(track: av.AudioStream) -> bool:
    if not _has_decoder(track):
        return False
    return track.codec_context.sample_rate in RATES_HZ and 0 < track.codec_context.channels <= MOST_CHANNELS


def _rank(track: av.AudioStream) -> tuple[bool, bool]:
    return bool(_BESIDE & track.disposition), Disposition.default not in track.disposition
