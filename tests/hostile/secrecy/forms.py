"""The forms in which a service, a proxy or a file may hold a secret."""

import base64
import json
import random
from collections.abc import Callable
from urllib.parse import quote

Form = Callable[[str, random.Random], str]


def _percent(secret: str, chance: random.Random) -> str:
    """Some characters escaped, or all, in either case."""
    share = chance.choice((0.3, 0.7, 1.0))
    return "".join(
        chance.choice(("%{:02x}", "%{:02X}")).format(ord(sign)) if chance.random() < share else sign
        for sign in secret
    )


def _twice_percent(secret: str, chance: random.Random) -> str:
    return _percent(secret, chance).replace("%", "%25")


def _json_escapes(secret: str, chance: random.Random) -> str:
    return "".join(
        f"\\u{ord(sign):04{chance.choice('xX')}}" if chance.random() < 0.8 else sign for sign in secret
    )


def _html_escapes(secret: str, chance: random.Random) -> str:
    return "".join(chance.choice(("&#{0};", "&#x{0:x};", "&#x{0:04X};")).format(ord(sign)) for sign in secret)


def _hexadecimal(secret: str, chance: random.Random) -> str:
    between = chance.choice(("", "", ":", " ", "-", "\\x"))
    text = between.join(f"{byte:02x}" for byte in secret.encode())
    return text.upper() if chance.random() < 0.3 else text


def _base64(secret: str, chance: random.Random) -> str:
    """At any place in a longer text, of either alphabet, with or without padding, in lines."""
    around = [chance.randbytes(chance.randrange(7)) for _ in range(2)]
    encode = chance.choice((base64.b64encode, base64.urlsafe_b64encode))
    text = encode(around[0] + secret.encode() + around[1]).decode()
    if chance.random() < 0.3:
        text = "\r\n".join(text[at : at + 16] for at in range(0, len(text), 16))
    return text.rstrip("=") if chance.random() < 0.5 else text


def _base32(secret: str, chance: random.Random) -> str:
    return base64.b32encode(chance.randbytes(chance.randrange(6)) + secret.encode()).decode()


def _taken_apart(secret: str, chance: random.Random) -> str:
    return chance.choice((" ", "\u00ad", "\u200b", "-", "\n", "\u2060")).join(secret)


def _other_case(secret: str, chance: random.Random) -> str:
    return "".join(chance.choice((sign.lower(), sign.upper())) for sign in secret)


def _wide(secret: str, _chance: random.Random) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in secret)


def _glued(secret: str, chance: random.Random) -> str:
    words = ("foo", "key", "Bearer", "x", "9", "ä", "_", ".")
    return chance.choice(words) + secret + chance.choice(words)


def _piece(secret: str, chance: random.Random) -> str:
    half = max(16, len(secret) // 2)
    begin = chance.randrange(len(secret) - half + 1)
    return secret[begin : begin + half]


FORMS: dict[str, Form] = {
    "as it is": lambda secret, _chance: secret,
    "lower case": lambda secret, _chance: secret.lower(),
    "upper case": lambda secret, _chance: secret.upper(),
    "any case": _other_case,
    "quoted": lambda secret, _chance: json.dumps(json.dumps(f"'{secret}'")),
    "quoted for a URL": lambda secret, _chance: quote(f"{secret}/ä", safe=""),
    "percent-encoded": _percent,
    "percent-encoded twice": _twice_percent,
    "escaped as JSON": _json_escapes,
    "escaped as HTML": _html_escapes,
    "hexadecimal": _hexadecimal,
    "base64": _base64,
    "base64, percent-encoded": lambda secret, chance: quote(_base64(secret, chance), safe=""),
    "base64 of capitals": lambda secret, chance: _base64(secret.upper(), chance),
    "base32": _base32,
    "backwards": lambda secret, _chance: secret[::-1],
    "taken apart": _taken_apart,
    "in wide letters": _wide,
    "glued to words": _glued,
    "a piece": _piece,
}
