"""What may have become of a file in the profile: cut, changed in one byte, replaced by something else."""

import os
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BYTES = b'\0\n "09\xff'
"""What a byte becomes: nothing, a line's end, a blank, a quote, digits, and what is no text."""
_LARGE_BYTES = 1 << 30


@dataclass(frozen=True)
class Change:
    """A stored file after something happened to it.

    Attributes:
        name: What happened, so that it can be made again.
        content: What the file holds; ``None`` where it is no file, or not one of ours.
        whole: Up to which byte it is as it was written, and from which on again: at most one byte between.
    """

    name: str
    content: bytes | None
    whole: tuple[int, int] = (0, 0)


def every_change(good: bytes) -> Iterator[Change]:
    """Cut at every offset, and every byte changed to each of ``BYTES``."""
    for at in range(len(good) + 1):
        yield Change(f"cut at {at}", good[:at], (at, len(good)))
    for at, before in enumerate(good):
        for byte in BYTES:
            if byte != before:
                yield Change(f"byte {at} is {byte}", good[:at] + bytes([byte]) + good[at + 1 :], (at, at + 1))


def how_many(good: bytes) -> int:
    """How many ``every_change`` gives."""
    return len(good) + 1 + sum(len(BYTES) - (byte in BYTES) for byte in good)


def some_changes(good: bytes, count: int, chance: random.Random) -> Iterator[Change]:
    """As many of all as that, in their order."""
    total = how_many(good)
    wanted = set(chance.sample(range(total), min(count, total)))
    for number, change in enumerate(every_change(good)):
        if number in wanted:
            yield change


def _large(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    os.truncate(path, _LARGE_BYTES)


def _socket(path: Path, _good: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as heard:
        # A socket's path may not be long: it is made from within its folder.
        folder = os.open(path.parent, os.O_RDONLY)
        before = os.open(".", os.O_RDONLY)
        os.fchdir(folder)
        try:
            heard.bind(path.name)
        finally:
            os.fchdir(before)
            os.close(before)
            os.close(folder)


def _full_folder(path: Path, good: bytes) -> None:
    path.mkdir()
    (path / path.name).write_bytes(good)


def _link(target: str) -> Callable[[Path, bytes], None]:
    return lambda path, _good: path.symlink_to(target)


PLACES: dict[str, Callable[[Path, bytes], object]] = {
    "emptied": lambda path, _good: path.write_bytes(b""),
    "twice": lambda path, good: path.write_bytes(good + good),
    "a thousand times": lambda path, good: path.write_bytes(good * 1000),
    "zeros": lambda path, good: path.write_bytes(bytes(len(good))),
    "zeros before it": lambda path, good: path.write_bytes(bytes(1 << 16) + good),
    "zeros behind it": lambda path, good: path.write_bytes(good + bytes(1 << 16)),
    "a sparse gigabyte": lambda path, _good: _large(path, b""),
    "a sparse gigabyte behind it": _large,
    "a folder": lambda path, _good: path.mkdir(),
    "a folder with something in it": _full_folder,
    "a pipe": lambda path, _good: os.mkfifo(path),
    "a socket": _socket,
    "a link to itself": lambda path, _good: path.symlink_to(path.name),
    "a link to nothing": _link("nowhere"),
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to /dev/null": _link("/dev/null"),
    "a link to /proc/self/mem": _link("/proc/self/mem"),
    "a link to /proc/kcore": _link("/proc/kcore"),
    "a link to /proc/self/pagemap": _link("/proc/self/pagemap"),
}
"""What may lie in a file's place; each is made at a path where nothing is."""
