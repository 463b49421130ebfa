"""Where the streams of an Ogg file begin that is several in a row, as a radio's recorder leaves it.

FFmpeg takes the times of one for those of all, and ends where channels or codec change.
"""

import os
from collections.abc import Iterator

from atlas_desktop.media.sound_bytes import SoundBytes

_HEADER_BYTES = 27
_MOST_SEGMENTS = 255
_BEGINS_STREAM = 0x02
# Before that many pages no stream ends; a file of hours has some 100,000.
_MOST_PAGES = 1_000_000


def is_chained(source: SoundBytes) -> bool:
    """Look at every page's header: 0.2 s for 100 MB. The place in ``source`` is afterwards another."""
    places = _beginnings(source, 0)
    return next(places, None) is not None and next(places, None) is not None


def next_stream(source: SoundBytes, place: int) -> int | None:
    """Return where the next stream begins behind the page at ``place``; ``None`` where there is none."""
    return next((found for found in _beginnings(source, place) if found > place), None)


def _beginnings(source: SoundBytes, place: int) -> Iterator[int]:
    """Where streams begin from the page at ``place`` on; those that begin together count as one.

    Source: RFC 3533, section 6.
    """
    began = False
    for _ in range(_MOST_PAGES):
        source.seek(place, os.SEEK_SET)
        header = source.read(_HEADER_BYTES + _MOST_SEGMENTS)
        if len(header) < _HEADER_BYTES or not header.startswith(b"OggS"):
            return
        begins = bool(header[5] & _BEGINS_STREAM)
        if begins and not began:
            yield place
        began = begins
        segments = header[26]
        place += _HEADER_BYTES + segments + sum(header[_HEADER_BYTES : _HEADER_BYTES + segments])
