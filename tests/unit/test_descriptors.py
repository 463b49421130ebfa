"""Pipes without buffers: whole lines, whole writes."""

import os
import threading
from collections.abc import Iterator

import pytest

from atlas_desktop.descriptors import drain, open_flags, read_lines, write_all


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:
            continue


def test_lines_of_any_length_come_whole_and_an_unfinished_one_does_not(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    long = b"x" * 1_000_000

    def write() -> None:
        write_all(writer, b"a\n\nb\n" + long + b"\nunfinished")
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    assert list(read_lines(reader)) == [b"a", b"", b"b", long]
    thread.join()


def test_what_nobody_can_read_has_no_lines(pipe: tuple[int, int]) -> None:
    assert list(read_lines(pipe[1])) == []
    drain(pipe[1])


def test_what_is_drained_is_gone(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    write_all(writer, b"a\nb\n")
    os.close(writer)
    drain(reader)
    assert list(read_lines(reader)) == []


def test_a_write_that_nobody_reads_is_an_error(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    with pytest.raises(OSError, match="Broken pipe"):
        write_all(writer, b"a")


def test_flags_that_a_system_lacks_are_none() -> None:
    assert open_flags("O_WRONLY", "O_CREAT", "O_NO_SUCH_FLAG") == os.O_WRONLY | os.O_CREAT
