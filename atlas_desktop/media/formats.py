"""Which files are sound: one list, asked of FFmpeg, for drops, folders, dialogs and the decoder alike.

FFmpeg says which formats it reads and how their files end. It does not say which of them hold sound, so
what holds none is named here; and what would reach beyond the file itself is never opened (``READABLE``).
"""

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.format import ContainerFormat

# Lists of other files or addresses, and scripts: whoever opens one reads something else than what was given.
_REACHING = """
    applehttp concat concatf dash ffmetadata fifo hds hls image2 image2pipe imf ism lavfi mlv rtp rtp_mpegts
    rtsp sap sbg sdp segment smoothstreaming stream_segment,ssegment tee vobsub webm_chunk webm_dash_manifest
    whip
"""
_TEXT = """
    aqtitle ass bin dvbsub dvbtxt idf jacosub lrc mcc microdvd mkvtimestamp_v2 mpl2 mpsub pjs rcwt realtext
    sami scc srt stl subviewer subviewer1 sup tedcaptions ttml tty adf vplayer webvtt xbin
"""
_PICTURES = """
    alias_pix apng avif brender_pix cdg cine filmstrip fits gif ico jpegxl_anim mjpeg mjpeg_2000 mpjpeg
    msp ser smjpeg txd webp
"""
_MOVING_PICTURES = """
    a64 apv av1 avs2 avs3 bitpacked cavsvideo dirac dnxhd evc flic h261 h263 h264 hevc hxvs ingenient ipu ivf
    iv8 luodat m4v mpeg1video mpeg2video mpegvideo nc obu pdv rawvideo v210 v210x vc1 vc1test vvc yuv4mpegpipe
"""
_MEASURES = "crc data framecrc framehash framemd5 hash md5 null streamhash uncodedframecrc"
_SILENT = frozenset(" ".join((_REACHING, _TEXT, _PICTURES, _MOVING_PICTURES, _MEASURES)).split())

# What FFmpeg knows by content alone.
_ALSO = """
    3ga aifc alac amr ape avi dff divx dsf f4a mlp mod mogg mp1 mp2v mpe mts qt ra rf64 rm rmvb shn snd w64
    wave weba wv xwma
"""
# How other things end, too: a folder full of them is no album.
_OTHER_THINGS = """
    adp apc art avif avc bin bit cdata cgi dat gif h264 heic heif ice idx jxl m3u m3u8 mac mpd mpo nfo nist
    paf rco rsd son str sub svs sw tco txt ub v vb vt wa way xl xml xmd yuv
"""
_SHORTEST_ENDING = 2


@functools.cache
def sound_endings() -> frozenset[str]:
    """Endings of names of sound files and of videos, with their dot, in lower case."""
    endings = set(_ALSO.split()).union(*(form.extensions for form in _sound_formats()))
    endings -= set(_OTHER_THINGS.split())
    return frozenset(f".{ending.lower()}" for ending in endings if len(ending) >= _SHORTEST_ENDING)


@functools.cache
def readable(but: frozenset[str] = frozenset()) -> str:
    """FFmpeg's ``format_whitelist``: the formats that may be opened at all, ``but`` for these."""
    names = {form.name for form in _sound_formats() if form.is_input}
    return ",".join(sorted(names - but))


def _sound_formats() -> Iterator["ContainerFormat"]:
    """The formats that may hold sound and be opened, to read or to write; a device is no file."""
    # The window asks what sound is before anything needs FFmpeg: it is loaded with the first question.
    import av
    from av.format import ContainerFormat, Flags

    for name in av.formats_available:
        if name in _SILENT or name.endswith("_pipe"):
            continue
        form = ContainerFormat(name)
        if Flags.no_file not in Flags(form.flags):
            yield form
