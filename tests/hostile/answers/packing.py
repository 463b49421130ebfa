"""Bodies packed as their ``Content-Encoding`` says, or not, and some kilobytes that hold gigabytes."""

import gzip
import random
import zlib
from collections.abc import Callable
from functools import cache
from typing import Final

Packed = tuple[bytes, bytes, bool]
"""The header's value, the bytes, and whether what is in them can be read."""


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@cache
def bomb(times: int) -> bytes:
    """Three hundred megabytes of zeros, gzipped so many times: twice makes a kilobyte of them."""
    if times > 1:
        return gzip.compress(bomb(times - 1), 9)
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()


@cache
def zlib_bomb() -> bytes:
    """A hundred megabytes of zeros in a hundred kilobytes."""
    return zlib.compress(bytes(100 << 20), 9)


PACKINGS: Final[tuple[Callable[[random.Random, bytes], Packed], ...]] = (
    lambda _, body: (b"gzip", gzip.compress(body, 1), True),
    lambda _, body: (b"GZip", gzip.compress(body, 1), True),
    lambda _, body: (b"deflate", zlib.compress(body, 1), True),
    lambda _, body: (b"deflate", _raw_deflate(body), True),
    lambda _, body: (b"gzip, gzip", gzip.compress(gzip.compress(body, 1), 1), True),
    lambda _, body: (b"deflate, identity, gzip", gzip.compress(zlib.compress(body, 1), 1), True),
    # It is plain in truth.
    lambda _, body: (b"gzip", body, True),
    lambda _, body: (b"br", b"\x0b\x02\x80" + body + b"\x03", False),
    lambda _, body: (b"br", bytes(50), False),
    lambda _, body: (b"zstd", b"\x28\xb5\x2f\xfd" + body, False),
    lambda _, body: (b"gzip", bomb(1), False),
    lambda _, body: (b"gzip, gzip", bomb(2), False),
    lambda _, body: (b"gzip, gzip, gzip", bomb(3), False),
    lambda _, body: (b"deflate", zlib_bomb(), False),
    lambda _, body: (b"gzip, " * 5_000, bomb(2), False),
    lambda _, body: (b"br, gzip", bomb(2), False),
    lambda _, body: (b"gzip", gzip.compress(body, 1)[:-9], False),
    lambda chance, body: (b"gzip", b"\x1f\x8b\x08" + chance.randbytes(60), False),
    lambda _, body: (b"\xff\x00\x80", body, False),
    lambda _, body: (b", ,identity,", body, True),
)
