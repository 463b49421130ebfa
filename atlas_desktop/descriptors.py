"""Unbuffered reading and writing of file descriptors: pipes of processes, files that must reach the disk.

Not ``sys.stdin`` and other buffered files: a thread that waits in one's lock aborts the interpreter's exit.
"""

import functools
import operator
import os
from collections.abc import Iterator
from contextlib import suppress

_READ_BYTES = 65536


def read_lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines, without their ends, until end-of-file or an error; an unfinished last line is dropped.

    A line of any length takes linear time.
    """
    pending = bytearray()
    with suppress(OSError):
        while data := os.read(descriptor, _READ_BYTES):
            pending += data
            if b"\n" in data:
                *lines, pending = pending.split(b"\n")
                yield from map(bytes, lines)


def drain(descriptor: int) -> None:
    """Read until end-of-file or an error, and drop what comes."""
    with suppress(OSError):
        while os.read(descriptor, _READ_BYTES):
            pass


def open_flags(*names: str) -> int:
    """Return the flags of ``os.open`` with these names, without those that this system does not have."""
    flags: int = functools.reduce(operator.or_, (getattr(os, name, 0) for name in names))
    return flags


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``: one ``os.write`` may take only a part of it.

    Raises:
        OSError: Nobody reads, or the disk is full.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
