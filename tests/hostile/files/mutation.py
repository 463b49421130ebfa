"""How a good file becomes a bad one: bytes, lengths in headers, cuts, and pieces of others."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence

_ODD_BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_ODD_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_HEAD_BYTES = 700
# Where formats of sound say what it is, from the name of their part on.
_FIELDS: dict[bytes, tuple[tuple[int, str], ...]] = {
    b"fmt ": ((8, "<H"), (10, "<H"), (12, "<I"), (16, "<I"), (20, "<H"), (22, "<H")),
    b"COMM": ((8, ">H"), (10, ">I"), (14, ">H"), (16, ">H")),
    b".snd": ((4, ">I"), (8, ">I"), (12, ">I"), (16, ">I"), (20, ">I")),
    b"desc": ((20, ">I"), (24, ">I"), (28, ">I"), (32, ">I"), (36, ">I"), (40, ">I")),
    b"fLaC": ((8, ">H"), (10, ">H"), (18, ">I"), (22, ">I")),
    b"OpusHead": ((9, "B"), (10, "<H"), (12, "<I"), (18, "B")),
    b"mp4a": ((20, ">H"), (22, ">H"), (28, ">H")),
    b"stsz": ((8, ">I"), (12, ">I")),
    b"stts": ((8, ">I"), (12, ">I"), (16, ">I")),
    b"mdhd": ((16, ">I"), (20, ">I")),
}
_ODD_FIGURES = (*range(5), 6, 7, 8, 9, 12, 16, 24, 32, 33, 63, 64, 65, 127, 128, 255)
_ODD_RATES = (*_ODD_FIGURES, 999, 8000, 44_100, 192_000, 1_000_001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_PNG = b"\x89PNG\r\n\x1a\n"

Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of ``seeds`` after one to four mutations."""
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        if content:
            chance.choice(_MUTATIONS)(chance, content, seeds)
    return mended_png(content) if content.startswith(_PNG) and chance.random() < 0.8 else bytes(content)


def mended_png(content: bytes | bytearray) -> bytes:
    """The same with checksums that are right, so that a reader looks at what is inside."""
    out, place = bytearray(content[:8]), 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        body = content[place + 4 : place + 8 + length]
        if place + 12 + length > len(content):
            break
        out += content[place : place + 8 + length] + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return bytes(out + content[place:])


def _place(chance: random.Random, content: bytearray) -> int:
    """Somewhere, in two of three cases where a header is: at the beginning, or at the end."""
    where = chance.random()
    near = min(len(content), _HEAD_BYTES)
    if where < 0.5:
        return chance.randrange(near)
    return chance.randrange(len(content)) if where < 0.85 else len(content) - 1 - chance.randrange(near)


def _flip_bits(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 2, 8, 64))):
        content[_place(chance, content)] ^= 1 << chance.randrange(8)


def _set_bytes(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 2, 16))):
        content[_place(chance, content)] = chance.choice(_ODD_BYTES)


def _set_number(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    """A count, a rate or a length: 2, 4 or 8 bytes, either way round."""
    width, form = chance.choice(((2, "H"), (4, "I"), (4, "I"), (8, "Q")))
    place = _place(chance, content)
    number = chance.choice(_ODD_NUMBERS) & ((1 << 8 * width) - 1)
    piece = struct.pack(chance.choice("<>") + form, number)
    content[place : place + width] = piece[: max(0, len(content) - place)]


def _change_length(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    """A number that may be a length, as it is no larger than the file, becomes a little or a lot wrong."""
    for _ in range(40):
        place = _place(chance, content)
        order = chance.choice(("little", "big"))
        number = int.from_bytes(content[place : place + 4], order)  # type: ignore[arg-type]
        if 0 < number <= len(content) and place + 4 <= len(content):
            other = chance.choice((number - 1, number + 1, number * 2, number // 2, -number & 0xFFFFFFFF))
            content[place : place + 4] = other.to_bytes(4, order)  # type: ignore[arg-type]
            return


def _blank(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    place, count = _place(chance, content), chance.choice((4, 64, 1024, 16_384))
    rest = min(count, len(content) - place)
    content[place : place + rest] = bytes(rest) if chance.random() < 0.5 else chance.randbytes(rest)


def _blank_rest(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    """Zeros to the end, or over a third: a download that broke off into space that was set aside for it."""
    third = len(content) // 3
    first = chance.choice((third, 2 * third, 2 * third, chance.randrange(len(content))))
    last = chance.choice((len(content), len(content), min(len(content), first + third)))
    content[first:last] = bytes(last - first)


def _set_field(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    """What a header says of the sound itself: channels, bits, rates, sizes of blocks."""
    found = [(mark, content.find(mark)) for mark in _FIELDS if mark in content]
    if not found:
        return
    mark, at = chance.choice(found)
    offset, form = chance.choice(_FIELDS[mark])
    place = at + offset
    if place + struct.calcsize(form) <= len(content):
        number = chance.choice(_ODD_FIGURES) if form[-1] != "I" else chance.choice(_ODD_RATES)
        struct.pack_into(form, content, place, number)


def _cut(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    del content[chance.randrange(1, len(content) + 1) :]


def _remove(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    place = _place(chance, content)
    del content[place : place + chance.choice((1, 2, 4, 100, 5000))]


def _repeat(chance: random.Random, content: bytearray, _seeds: Sequence[bytes]) -> None:
    place, count = _place(chance, content), chance.choice((1, 4, 100, 5000))
    content[place:place] = content[place : place + count] * chance.choice((1, 2, 20))


def _splice(chance: random.Random, content: bytearray, seeds: Sequence[bytes]) -> None:
    """The beginning of one, the end of another."""
    other = chance.choice(seeds)
    content[_place(chance, content) :] = other[chance.randrange(len(other)) :]


def _insert(chance: random.Random, content: bytearray, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    begin, place = chance.randrange(len(other)), _place(chance, content)
    content[place:place] = other[begin : begin + chance.choice((8, 200, 4000))]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_flip_bits, _set_bytes, _set_number, _set_number, _change_length, _change_length),
    *(_blank, _cut, _remove, _repeat, _splice, _insert),
    *(_blank_rest, _set_field),
)
