"""Values that nobody means well with: for JSON, for headers, for names and texts."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

# As JSON text: some of them are no values of Python's.
_JSON = (
    "0",
    "-1",
    "1e308",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "9" * 400,
    "9" * 5_000,
    "2147483648",
    "18446744073709551616",
    "0.1",
    "true",
    "null",
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"\\r\\nX-Injected: 1"',
    '"' + "a" * 70_000 + '"',
    '"' + "*a" * 2_000 + '"',
    '"*"',
    '"VP9"',
    '"conversation"',
    '"https://127.0.0.1:1/a.png"',
    '"https://[::1"',
    '"https://user:word@localhost/"',
    '"https://0x7f.1/a.png"',
    '"https://a:99999/"',
    '"file:///etc/passwd"',
    "[]",
    "{}",
    '["conversation"]',
    '{"conversation": "x"}',
    '{"conversation": NaN}',
    '{"self": 1}',
    "[" * 5_000 + "]" * 5_000,
    '{"a":' * 3_000 + "1" + "}" * 3_000,
)
HEADER_VALUES = (
    b"",
    b"\xff\xfe",
    b"caf\xe9",
    b"\x00",
    b"a" * 9_000,
    b"a" * 20_000,
    b"-1",
    b"1e3",
    b"99999999999999999999",
    b"Bearer \xed\xa0\x80",
    b"Bearer " + b"." * 3_000,
    b"Bearer " + b"W1tb" * 800 + b".e30.x",
    b"Basic e30=",
    b"bytes=-9999999999-",
    b"bytes=5-1,a",
    b"gzip, gzip",
    b"multipart/form-data",
    b"multipart/form-data; boundary=" + b"b" * 200,
    b"multipart/form-data; boundary=\xff",
    b"multipart/mixed; boundary=x",
    b"application/json; charset=utf-7",
    b"100-continue",
    b"something",
    b"websocket",
    b"evil.example",
    b"null",
    b"https://evil.example",
)


def json_value(chance: random.Random) -> str:
    """One hostile value, as JSON text."""
    return chance.choice(_JSON)


def json_object(chance: random.Random, fields: Sequence[str], inner: Callable[[], str] | None = None) -> str:
    """An object with some of these fields, and hostile values in them."""
    chosen = chance.sample(list(fields), min(len(fields), chance.randint(1, 4)))
    values = (inner() if inner is not None else json_value(chance) for _ in chosen)
    pairs = [f"{json.dumps(name)}: {value}" for name, value in zip(chosen, values, strict=True)]
    if chance.random() < 0.1:
        pairs.append(f"{json.dumps(chance.choice(['self', '', 'é', '__class__']))}: {json_value(chance)}")
    return "{" + ", ".join(pairs) + "}"


def mutated(chance: random.Random, data: bytes, most: int = 6) -> bytes:
    """``data`` with bytes changed, cut out, doubled or added."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[place : place + chance.randint(1, 20)]
            case 2:
                changed[place:place] = changed[place : place + chance.randint(1, 200)]
            case _:
                changed[place:place] = chance.randbytes(chance.randint(1, 12))
    return bytes(changed)


def picked(chance: random.Random, *makers: Callable[[random.Random], Any]) -> Any:
    """What one of the makers makes."""
    return chance.choice(makers)(chance)
