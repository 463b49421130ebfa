"""JSON of any shape, as text: for the answers of each call, more or less like what is meant."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Final

SESSION_ID: Final = "ses_0123456789abcdef0123"

_NUMBERS: Final = (
    *("0", "-1", "3.25", "-0.0", "1e308", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1E-400"),
    *("9" * 30, "9" * 400, "9" * 5_000, "9" * 100_000, "0." + "1" * 50_000, str(2**63), "1e999999999999"),
)
_TEXTS: Final = (
    *('""', '" "', '"\\ud800"', '"\\udfff\\ud800x"'),
    *('"\\u0000\\u001b[2J"', '"\\u202eecnetnes"', '"{0}{x.y}"'),
    *('"%s%n"', '"</script>"', '"🙂"', '"ak_live_0123456789abcdef"', '"eyJhbGciOi.eyJzdWIi.c2ln"'),
    *(f'"{"1" * 100_000}"', f'"{"a" * 50_000}"', f'"{"$1 " * 30_000}"', f'"{"<script " * 20_000}"'),
    *(f'"{"mode " * 20_000}"', '"' + r"\ud800" * 5_000 + '"', '"\x07\x00"', '"1_000"', '"nan"', '"1e5"'),
)
_PLAIN: Final = ("null", "true", "false", "[]", "{}")
_PRICES: Final = (
    *("$7/hour", "$0.12 per minute", "7 USD/hour", "$9 an hour, $7/hour passthrough", "free", "$/hour", "$7"),
    *("$" + "1" * 400 + "/hour", "$1." + "1" * 90_000 + "/hour", "1" * 100_000),
    *("$ " * 30_000, "1usd " * 20_000),
    *("$7/hour\n" * 10_000, "-$7/hour", "$1e400/hour", "€7/hour", "$0.0000000001/session", "$7 / month"),
)
_ADDRESSES: Final = (
    *("wss://room.example", "ws://127.0.0.1:1", "https://room.example", "wss://"),
    *("wss://[", "wss://[::1", "ws:"),
    *("wss://u:p@room.example", "wss://room.example:99999", "wss://room.example:-1"),
    *("wss://a b", "\x00", "//"),
    *("wss://" + "a" * 70_000, "wss://\ud800"),
    *("wss://\u2100.example", "wss://room.example/?token=eyJhbGci.x.y"),
    *("//", "ws:", "javascript:alert(1)", "file:///etc/passwd"),
    *("wss://xn--", "wss://%00", "wss://[v1.x]", "WSS://ROOM"),
)
_IDS: Final = (
    *(SESSION_ID, "1", "..", ".", "/", "a/../../b"),
    *("?x=1#y", "séance", "\ud800\udfff", "\x00", " ", "%2e%2e"),
    *("x" * 999, "x" * 70_000, "🙂" * 500, "\u202e", "'; DROP TABLE"),
    *("ses_\n_x", "\r\nX: y", "-", "null", "%2e"),
)
_STATUSES: Final = ("active", "ended", "closed", "expired", "disconnected", "", "ACTIVE", "x" * 5_000)
_MODES: Final = ("conversation", "passthrough", "karaoke", "CONVERSATION", "")
_CODES: Final = (
    *("not_found", "already_ended", "invalid_mode", "session_not_active", "Not Found", "", "x" * 70_000),
)

Fields = dict[str, str]
"""Names, and values as JSON text."""


def any_json(chance: random.Random, depth: int = 3) -> str:
    """A value of any kind."""
    kind = chance.randrange(7 if depth else 5)
    match kind:
        case 0:
            return chance.choice(_PLAIN)
        case 1 | 2:
            return chance.choice(_NUMBERS)
        case 3 | 4:
            return chance.choice(_TEXTS)
        case 5:
            return "[" + ",".join(any_json(chance, depth - 1) for _ in range(chance.randrange(4))) + "]"
    names = (chance.choice(_TEXTS) for _ in range(chance.randrange(4)))
    return "{" + ",".join(f"{name}:{any_json(chance, depth - 1)}" for name in names) + "}"


def deep(chance: random.Random) -> str:
    """What nests deeper than anybody can read."""
    depth = chance.choice((500, 5_000, 200_000))
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ("[[", "")))
    return opening * depth + closing * chance.choice((0, depth))


def create_fields(chance: random.Random) -> Fields:
    """An answer to a create, or a viewer's."""
    prefix = chance.choice(("session_id", "livekit_url")) if chance.random() < 0.8 else "sessionId"
    id_name, url_name = (
        ("sessionId", "livekitUrl") if prefix == "sessionId" else ("session_id", "livekit_url")
    )
    return {
        id_name: _text(SESSION_ID) if chance.random() < 0.8 else _text(chance.choice(_IDS)),
        url_name: _text("wss://room.example" if chance.random() < 0.5 else chance.choice(_ADDRESSES)),
        "token": _text("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"),
        "room": _text("room"),
        "mode": _text(chance.choice(_MODES)),
        "max_duration_seconds": chance.choice((*_NUMBERS, "null", "14400", '"14400"')),
        "pricing": _text(chance.choice(_PRICES)),
    }


def end_fields(chance: random.Random) -> Fields:
    """An answer to a DELETE."""
    return {
        "session_id": _text(chance.choice((SESSION_ID, "ses_of_another", *_IDS))),
        "status": _text(chance.choice(_STATUSES)),
        "duration_seconds": chance.choice((*_NUMBERS, "42", '"42.5"')),
        "estimated_cost": chance.choice((*_NUMBERS, '"$0.09"', f'"{"1." * 20_000}"')),
        "credits_deducted_cents": chance.choice((*_NUMBERS, "9", "null")),
    }


def status_fields(chance: random.Random) -> Fields:
    """An answer to a GET of one session."""
    return {
        "status": _text(chance.choice(_STATUSES)),
        "started_at": chance.choice(_TEXTS),
        "duration_seconds": chance.choice(_NUMBERS),
        "max_duration_seconds": chance.choice(_NUMBERS),
    }


def face_fields(chance: random.Random) -> Fields:
    """An answer to another face."""
    return {"face_updated": "true", "metadata_pushed": chance.choice(("true", "false", "7"))}


def error_fields(chance: random.Random) -> Fields:
    """An error, of Atlas's shape or near it."""
    message = _text(f"The {'mode ' * chance.randrange(3)}is {chance.choice(('disabled', 'invalid', '{x}'))}.")
    found = {"error": _text(chance.choice(_CODES)), "message": chance.choice((message, *_TEXTS))}
    if chance.random() < 0.2:
        return {"detail": object_of(found)}
    return found


FIELDS: Final[Mapping[str, Callable[[random.Random], Fields]]] = {
    "create": create_fields,
    "viewer": create_fields,
    "end": end_fields,
    "status": status_fields,
    "face": face_fields,
}
"""By the call that is answered."""


def spoiled(chance: random.Random, fields: Fields) -> Fields:
    """``fields`` with some left out, replaced by anything, moved or joined by others."""
    found = {
        name: any_json(chance) if chance.random() < 0.15 else value
        for name, value in fields.items()
        if chance.random() > 0.05
    }
    if chance.random() < 0.2:
        found[chance.choice(("extra", "error", "data", "session", "id"))] = any_json(chance)
    names = list(found)
    if chance.random() < 0.5:
        chance.shuffle(names)
    return {name: found[name] for name in names}


def object_of(fields: Fields) -> str:
    """The text of a JSON object."""
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in fields.items()) + "}"


def _text(text: str) -> str:
    return json.dumps(text)
