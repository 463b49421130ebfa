"""Packed bodies: whole, in pieces, several times over, broken, and far larger than they look."""

import gzip
import random
import tracemalloc
import zlib

import pytest

from atlas_desktop.api.unpacking import TooLongError, Unpacker

TEXT = b'{"session_id": "ses_1"}' * 500
LIMIT = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def packed_by_gzip(data: bytes) -> bytes:
    """Return ``data`` compressed without the time, so that each worker of a run names its tests alike."""
    return gzip.compress(data, mtime=0)


def unpacked(coding: str, data: bytes, size: int = 1_000) -> tuple[bytes, str]:
    """What it is, fed in pieces of ``size``, and the problem."""
    unpacker = Unpacker(coding, LIMIT)
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    return b"".join(one for piece in pieces for one in unpacker.unpack(piece)), unpacker.problem


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", packed_by_gzip(TEXT)),
        (" X-GZIP ", packed_by_gzip(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("gzip, gzip", packed_by_gzip(packed_by_gzip(TEXT))),
        ("deflate, , identity,gzip", packed_by_gzip(zlib.compress(TEXT))),
        ("gzip", packed_by_gzip(TEXT) + b"something behind it"),
    ],
)
def test_what_is_packed_is_unpacked_in_any_pieces(coding: str, packed: bytes, size: int) -> None:
    assert unpacked(coding, packed, size) == (TEXT, "")


def test_deflate_without_its_frame_is_taken_too() -> None:
    assert unpacked("deflate", raw_deflate(TEXT)) == (TEXT, "")


@pytest.mark.parametrize("length", [0, 1, 65_535, 65_536, 65_537, 3 * 65_536, 900_000])
def test_nothing_is_left_behind_at_any_length(length: int) -> None:
    zeros, noise = bytes(length), random.Random(length).randbytes(length)
    for data in (zeros, noise):
        assert unpacked("gzip", packed_by_gzip(data), 4_096)[0] == data


@pytest.mark.parametrize(
    ("coding", "times"), [("gzip", 1), ("gzip, gzip", 2), ("gzip, gzip, gzip", 3), ("deflate, gzip", 2)]
)
def test_a_bomb_is_cut_off_while_it_is_unpacked(coding: str, times: int) -> None:
    bomb = (
        zlib.compress(bytes(100 << 20)) if coding.startswith("deflate") else packed_by_gzip(bytes(100 << 20))
    )
    for _ in range(times - 1):
        bomb = packed_by_gzip(bomb)
    tracemalloc.start()
    with pytest.raises(TooLongError):
        unpacked(coding, bomb, 10**9)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 3 * LIMIT


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "gzip, gzip, gzip, gzip", "gzip," * 9_000, "x, gzip", "\xff"]
)
def test_what_is_packed_in_a_way_that_nobody_asked_for_is_left_as_it_is(coding: str) -> None:
    found, problem = unpacked(coding, TEXT)
    assert found == TEXT
    assert "packed as" in problem
    assert len(problem) < 80


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_what_is_plain_in_truth_is_left_as_it_is(coding: str) -> None:
    assert unpacked(coding, TEXT) == (TEXT, "the answer can't be unpacked")


def test_what_is_plain_is_counted_too() -> None:
    with pytest.raises(TooLongError):
        unpacked("br", bytes(LIMIT + 1), 65_536)


def test_a_body_that_breaks_gives_what_it_had() -> None:
    whole = packed_by_gzip(random.Random(1).randbytes(50_000))
    found, problem = unpacked("gzip", whole[:40_000])
    assert (len(found) > 30_000, problem) == (True, "")
