"""Which files are sound by their names, and which formats FFmpeg may open at all: both asked of FFmpeg.

A name says sound where FFmpeg writes sound into files of that ending, or has an audio decoder of the format's
name. Of what it only reads it does not say what is in it: there the content decides (``holds_sound``).
"""

import functools
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.format import ContainerFormat

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


@functools.cache
def sound_endings() -> frozenset[str]:
    """Return the endings of names of sound files and of videos, with their dot, in lower case."""
    endings = set(_ALIASES.split())
    for form in _formats():
        if _is_sound(form.name):
            endings |= form.extensions
    return _dotted(endings - _silent_endings())


@functools.cache
def readable_endings() -> frozenset[str]:
    """Return the endings of whatever FFmpeg reads that may hold sound, though the name does not say so."""
    return _dotted({ending for form in _formats() if _may_hold_sound(form) for ending in form.extensions})


@functools.cache
def readable(but: frozenset[str] = frozenset()) -> str:
    """Return FFmpeg's ``format_whitelist``: the formats that may be opened at all, ``but`` for these."""
    names = {form.name for form in _formats() if form.is_input and _may_hold_sound(form)}
    return ",".join(sorted(names - but))


def _may_hold_sound(form: "ContainerFormat") -> bool:
    if form.is_output:
        return _is_sound(form.name)
    return form.name not in _BARRED.split() and _decoder_type(form.name) != "subtitle"


@functools.cache
def _is_sound(name: str) -> bool:
    """Return whether FFmpeg says that a format holds sound."""
    if any(part in _sound_writers() for part in name.split(",")):
        return True
    return name not in _BARRED.split() and _decoder_type(name) == "audio"


@functools.cache
def _sound_writers() -> frozenset[str]:
    """Return the names of the formats into which FFmpeg writes sound."""
    return frozenset(form.name for form in _formats() if form.is_output and _written_sound(form.name))


def _written_sound(name: str) -> bool:
    import av

    # The muxer is made, but writes nothing: 15 µs.
    with av.open(io.BytesIO(), "w", format=name) as muxer:
        return muxer.default_audio_codec != "none"


def _silent_endings() -> set[str]:
    """Return the endings that FFmpeg gives to pictures, text and mere video, and to nothing with sound."""
    from av.format import ContainerFormat

    written: set[str] = set()
    silent: set[str] = set(_PICTURES)
    for form in _formats():
        if form.is_output:
            # The demuxer of the same name may list more endings, of other things in the same container.
            endings = ContainerFormat(form.name, "w").extensions
            if form.name in _sound_writers():
                written |= endings
            else:
                silent |= endings
    return silent - written


@functools.cache
def _decoder_type(name: str) -> str | None:
    """Return what a decoder named as the format is for, if there is one ("mpc" has "mpc7" and "mpc8")."""
    import av

    try:
        return av.Codec(_codecs().get(name, name), "r").type
    except ValueError:  # PyAV's UnknownCodecError
        return None


@functools.cache
def _codecs() -> dict[str, str]:
    """Return the names of codecs by their names without a number at the end."""
    import av

    return {name.rstrip("0123456789"): name for name in av.codecs_available}


def _formats() -> Iterator["ContainerFormat"]:
    """Yield all formats but devices, networks, and pictures out of a pipe."""
    # The window asks what sound is before anything needs FFmpeg: it is loaded with the first question.
    import av
    from av.format import ContainerFormat

    for name in av.formats_available:
        form = ContainerFormat(name)
        if not form.no_file and not name.endswith("_pipe"):
            yield form


def _dotted(endings: set[str]) -> frozenset[str]:
    return frozenset(f".{ending.lower()}" for ending in endings if len(ending) >= _SHORTEST_ENDING)
