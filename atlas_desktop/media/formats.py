"""Which files are sound by their names, and which formats FFmpeg may open at all: both asked of FFmpeg.

A name says sound where FFmpeg writes sound into files of that ending, or has an audio decoder of the format's
name. Of what it only reads it does not say what is in it: there the content decides (``holds_sound``).
"""

import functools
import io
from dataclasses import dataclass, field

# Never opened. Scripts and lists, which make FFmpeg open other files or the network; then what holds no sound
# but that FFmpeg only reads, so that it can't be asked: a demuxer less for a hostile file to attack.
_BARRED = """
    concat mlv sbg sdp vobsub
    adf alias_pix aqtitle av1 bin bitpacked brender_pix cdg cine dvbtxt flic hxvs idf ingenient ipu iv8
    jpegxl_anim luodat mjpeg_2000 mpegvideo mpsub msp nc pdv ser tedcaptions tty txd v210 v210x xbin
"""
# FFmpeg lists them with MP4, whose container these pictures share.
_PICTURES = frozenset({"heic", "heif"})
# In use for formats of FFmpeg's, but missing from its lists.
_ALIASES = "3ga alac dff divx dsf f4a mod mogg mp1 mp2v mpe qt rf64 rmvb snd wave weba xwma"
_SHORTEST_ENDING = 2


@dataclass(slots=True)
class _Known:
    """What FFmpeg says of its formats: names of those that may be read, and endings."""

    readable: set[str] = field(default_factory=set)
    readable_endings: set[str] = field(default_factory=set)
    sound_endings: set[str] = field(default_factory=lambda: set(_ALIASES.split()))
    written_endings: set[str] = field(default_factory=set)
    silent_endings: set[str] = field(default_factory=lambda: set(_PICTURES))


def sound_endings() -> frozenset[str]:
    """Return the endings of names of sound files and of videos, with their dot, in lower case."""
    known = _ask()
    return _dotted(known.sound_endings - (known.silent_endings - known.written_endings))


def readable_endings() -> frozenset[str]:
    """Return the endings of whatever FFmpeg reads that may hold sound, though the name does not say so."""
    return _dotted(_ask().readable_endings)


def readable(but: frozenset[str] = frozenset()) -> str:
    """Return FFmpeg's ``format_whitelist``: the formats that may be opened at all, ``but`` for these."""
    return ",".join(sorted(_ask().readable - but))


@functools.cache
def _ask() -> _Known:
    """Ask FFmpeg of all its formats, but for devices, networks, and pictures out of a pipe: 10 ms."""
    # The window asks what sound is before anything needs FFmpeg: it is loaded with the first question.
    import av
    from av.format import ContainerFormat

    known, writers = _Known(), set[str]()
    barred = {*_BARRED.split(), *(name for name in av.formats_available if name.endswith("_pipe"))}
    forms = [ContainerFormat(name) for name in av.formats_available - barred]
    for form in forms:
        if form.is_output and not form.no_file:
            # The muxer is made, but writes nothing.
            with av.open(io.BytesIO(), "w", format=form.name) as muxer:
                has_sound = muxer.default_audio_codec != "none"
            # The demuxer of the same name may list more, of other things in the same container.
            endings = ContainerFormat(form.name, "w").extensions
            (known.written_endings if has_sound else known.silent_endings).update(endings)
            writers.update({form.name} if has_sound else ())
    for form in forms:
        is_sound = bool(writers.intersection(form.name.split(",")))
        kind = None if form.is_output or is_sound else _decoder_type(form.name)
        if is_sound or kind == "audio":
            known.sound_endings |= form.extensions
        if not form.no_file and (is_sound or (not form.is_output and kind != "subtitle")):
            known.readable_endings |= form.extensions
            known.readable.update({form.name} if form.is_input else ())
    return known


def _decoder_type(name: str) -> str | None:
    """Return what a decoder named as the format is for, if there is one ("mpc" has "mpc7" and "mpc8")."""
    import av

    found = next((codec for codec in av.codecs_available if codec.rstrip("0123456789") == name), name)
    try:
        return av.Codec(found, "r").type
    except ValueError:  # PyAV's UnknownCodecError
        return None


def _dotted(endings: set[str]) -> frozenset[str]:
    return frozenset(f".{ending.lower()}" for ending in endings if len(ending) >= _SHORTEST_ENDING)
