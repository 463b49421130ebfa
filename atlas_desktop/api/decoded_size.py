"""The memory that decoding a picture takes, where its displayed size does not tell: AVIF, TIFF, WebP, JPEG.

An AVIF states its displayed size. Its frames are as large as their own headers say, and are decoded whole
before they are scaled; a TIFF's tiles may be larger than the picture. Either way a file of two kilobytes
takes half a gigabyte. For an animated WebP two canvases are kept. A JPEG may consist of many scans,
each over the whole picture, and its header of a million segments.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_BOX_HEAD = struct.Struct(">I4s")
# Boxes that contain boxes, and the length of the fields before the first of them.
_FOLDERS = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
_DEEPEST = 8
_TO_THE_END = 0
_IN_FILE, _IN_BOX = 0, 1
_SEQUENCE_HEADER = 1
_SCAN, _END_OF_PICTURE = b"\xda", b"\xd9"
# A profile has at most 255 segments of 64 kB, a history some hundred; a progressive picture some ten scans.
_MOST_SEGMENTS, _MOST_EXIF_SEGMENTS = 2_000, 100
# Limit of boxes, entries and units; a picture of many megapixels has some hundred.
_MOST_STEPS = 100_000
# The picture or all its tiles, its alpha plane, and a second exposure; a thumbnail is small.
_FRAMES_AT_ONCE = 3


def decoded_pixels(picture: Image.Image, content: bytes) -> int:
    """Return how many pixels are decoded at once for ``picture``, which is opened and not loaded yet.

    Raises:
        ValueError, LookupError, struct.error: Its structure is invalid.
    """
    shown = picture.width * picture.height
    if picture.format == "AVIF":
        return max(shown, _AvifFrames(content).pixels())
    if picture.format == "TIFF":
        tags = picture.tag_v2  # type: ignore[attr-defined]  # of Pillow's TIFF reader
        return max(shown, int(tags.get(_TILE_WIDTH) or 0) * int(tags.get(_TILE_HEIGHT) or 0))
    if picture.format == "WEBP" and getattr(picture, "is_animated", False):
        return 2 * shown
    return shown


def jpeg_scans(content: bytes) -> int:
    """Return how many scans the first picture in a JPEG has: each takes as long to decode as a whole picture.

    Source: ITU-T T.81, annex B.

    Raises:
        ValueError: It has more segments than any program writes.
    """
    # Skips stuffed bytes and fill bytes in the entropy-coded data.
    marker = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
    place = scans = parts = exif = 0
    while (found := marker.search(content, place)) is not None and found[1] != _END_OF_PICTURE:
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        scans += found[1] == _SCAN
        parts += 1
        # Pillow concatenates all of these again with each one.
        exif += content.startswith(b"Exif\0\0", found.end() + 2)
        if parts > _MOST_SEGMENTS or exif > _MOST_EXIF_SEGMENTS:
            raise ValueError("too many parts")
        place = found.end() + length
    return scans


@dataclass(slots=True)
class _Item:
    """An item of an AVIF: coded, or a grid of items."""

    content: bytes = b""
    kind: bytes = b"av01"


@dataclass(slots=True)
class _AvifFrames:
    """Finds the frames of an AVIF: those of its items, and the first of each track.

    Source: ISO/IEC 14496-12 (boxes), 23008-12 (items, grids), the AV1 specification, 5.3 and 5.5.
    """

    content: bytes
    _items: dict[int, _Item] = field(default_factory=dict)
    _tracks: list[bytes] = field(default_factory=list)
    _steps: int = 0

    def pixels(self) -> int:
        """Return the largest frame's pixels, or a third of all if more: items are decoded side by side."""
        self._take_boxes(self.content, 0)
        items = [self._size_of(item) for item in self._items.values()]
        tracks = [self._largest_frame(track) for track in self._tracks]
        return max(0, *items, *tracks, sum(items) // _FRAMES_AT_ONCE, sum(tracks) // _FRAMES_AT_ONCE)

    def _size_of(self, item: _Item) -> int:
        if item.kind == b"grid":
            return _grid_pixels(item.content)
        return self._largest_frame(item.content) if item.kind == b"av01" else 0

    def _take_boxes(self, content: bytes, depth: int) -> None:
        boxes = list(self._boxes(content))
        inner = b"".join(body for kind, body in boxes if kind == b"idat")
        sizes = b""
        for kind, body in boxes:
            if kind in _FOLDERS and depth < _DEEPEST:
                self._take_boxes(body[_FOLDERS[kind] :], depth + 1)
            elif kind == b"iinf":
                self._take_kinds(body)
            elif kind == b"iloc":
                self._take_places(_Numbers(body), inner)
            elif kind == b"stsz":
                sizes = body
        for kind, body in boxes:
            if kind in (b"stco", b"co64"):
                place = struct.unpack_from(">I" if kind == b"stco" else ">Q", body, 8)[0]
                alike = struct.unpack_from(">I", sizes, 4)[0]
                first = alike or struct.unpack_from(">I", sizes, 12)[0]
                self._tracks.append(self.content[place : place + first])

    def _boxes(self, content: bytes) -> Iterator[tuple[bytes, bytes]]:
        place = 0
        while place + _BOX_HEAD.size <= len(content):
            self._step()
            size, kind = _BOX_HEAD.unpack_from(content, place)
            head = _BOX_HEAD.size
            if size == 1:
                size, head = struct.unpack_from(">Q", content, place + head)[0], head + 8
            end = len(content) if size == _TO_THE_END else place + size
            if end < place + head:
                raise ValueError("a box that is smaller than its head")
            yield kind, content[place + head : end]
            place = end

    def _take_kinds(self, body: bytes) -> None:
        count_bytes = 2 if body[0] == 0 else 4
        for kind, entry in self._boxes(body[4 + count_bytes :]):
            if kind == b"infe" and entry[0] >= 2:
                id_bytes = 2 if entry[0] == 2 else 4
                number = int.from_bytes(entry[4 : 4 + id_bytes], "big")
                self._item(number).kind = entry[6 + id_bytes : 10 + id_bytes]

    def _take_places(self, numbers: "_Numbers", inner: bytes) -> None:
        version = numbers.take(8)
        numbers.take(24)
        offset_bits, length_bits, base_bits, index_bits = (8 * numbers.take(4) for _ in range(4))
        for _ in range(numbers.take(32 if version == 2 else 16)):
            item = self._item(numbers.take(32 if version == 2 else 16))
            method = numbers.take(16) & 0xF if version else _IN_FILE
            numbers.take(16)
            base = numbers.take(base_bits)
            for _ in range(numbers.take(16)):
                self._step()
                numbers.take(index_bits if version else 0)
                place, length = base + numbers.take(offset_bits), numbers.take(length_bits)
                source = inner if method == _IN_BOX else self.content
                item.content += source[place : place + length if length else None]
                if len(item.content) > len(self.content):
                    raise ValueError("an item that is larger than its file")

    def _item(self, number: int) -> _Item:
        self._step()
        return self._items.setdefault(number, _Item())

    def _largest_frame(self, content: bytes) -> int:
        place, largest = 0, 0
        while place < len(content):
            self._step()
            head = content[place]
            place += 2 if head & 4 else 1
            size = len(content) - place
            if head & 2:
                size, place = _leb128(content, place)
            if head >> 3 & 0xF == _SEQUENCE_HEADER:
                largest = max(largest, _frame_pixels(_Numbers(content[place : place + size])))
            place += size
        return largest

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ValueError("too many parts")


class _Numbers:
    """Reads unsigned integers of any number of bits, most significant first."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def take(self, bits: int) -> int:
        """Return the next integer.

        Raises:
            ValueError: Too few bits are left.
        """
        first, end = self._place, self._place + bits
        if end > 8 * len(self._content):
            raise ValueError("cut off")
        self._place = end
        whole = int.from_bytes(self._content[first // 8 : (end + 7) // 8], "big")
        return whole >> (-end % 8) & (1 << bits) - 1


def _leb128(content: bytes, place: int) -> tuple[int, int]:
    """Return a LEB128 integer, and where it ends."""
    number = 0
    for shift in range(0, 56, 7):
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, place
    raise ValueError("a number that does not end")


def _grid_pixels(content: bytes) -> int:
    side = ">II" if content[1] & 1 else ">HH"
    width, height = struct.unpack_from(side, content, 4)
    return int(width) * int(height)


def _frame_pixels(numbers: _Numbers) -> int:
    """Return the largest frame size that a sequence header allows."""
    numbers.take(4)  # profile, still picture
    if numbers.take(1):
        numbers.take(5)  # level
    else:
        _pass_operating_points(numbers)
    width_bits, height_bits = numbers.take(4) + 1, numbers.take(4) + 1
    return (numbers.take(width_bits) + 1) * (numbers.take(height_bits) + 1)


def _pass_operating_points(numbers: _Numbers) -> None:
    delay_bits = 0
    if numbers.take(1):  # timing
        numbers.take(64)
        if numbers.take(1):
            _pass_uvlc(numbers)
        if numbers.take(1):  # decoder model
            delay_bits = numbers.take(5) + 1
            numbers.take(42)
    has_display_delay = numbers.take(1)
    for _ in range(numbers.take(5) + 1):
        numbers.take(12)
        if numbers.take(5) > 7:  # of a higher level: its tier
            numbers.take(1)
        if delay_bits and numbers.take(1):
            numbers.take(2 * delay_bits + 1)
        if has_display_delay and numbers.take(1):
            numbers.take(4)


def _pass_uvlc(numbers: _Numbers) -> None:
    zeros = 0
    while not numbers.take(1):
        zeros += 1
    numbers.take(zeros if zeros < 32 else 0)
