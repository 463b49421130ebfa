"""The settings: typed values, and the JSON text that holds them."""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from atlas_desktop.api.source import Mode

VOLUME_DEFAULT = 80


class ThemeChoice(StrEnum):
    """Which colours: the system's wish, or a fixed one."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has chosen. Holds no secret: the key is in the keyring.

    Attributes:
        theme: Colours.
        reduce_motion: No animations, whatever the system says.
        volume: 0 to 100.
        mode: The last mode; conversation the first time.
        face: A path, an https address, or the name of a shipped face; empty for the first of those.
        backend_url: The backend that holds the key; empty when Atlas is called with a key.
        microphone_on_connect: In conversation the microphone is on when the session is live.
        transcript_open: The transcript's side pane is shown.
        window_geometry: Qt's own text for place and size, base64; empty the first time.
    """

    theme: ThemeChoice = ThemeChoice.SYSTEM
    reduce_motion: bool = False
    volume: int = VOLUME_DEFAULT
    mode: Mode = Mode.CONVERSATION
    face: str = ""
    backend_url: str = ""
    microphone_on_connect: bool = False
    transcript_open: bool = True
    window_geometry: str = ""


def parse(text: str) -> tuple[Settings, dict[str, Any]]:
    """Reads settings from JSON; returns them and the whole object, unknown keys included.

    A value of the wrong kind counts as not there.

    Raises:
        ValueError: It is not a JSON object.
    """
    found = _object(text)
    known: dict[str, Any] = {}
    for field in fields(Settings):
        if field.name in found:
            value = _checked(found[field.name], field.default)
            if value is not None:
                known[field.name] = value
    return Settings(**known), found


def format_json(settings: Settings, kept: dict[str, Any]) -> str:
    """Writes settings as JSON, with the unknown keys of ``kept``: an older version loses nothing."""
    ours = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    return json.dumps({**kept, **ours}, indent=2, ensure_ascii=False) + "\n"


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if isinstance(found, dict):
        return found
    raise ValueError("settings are not a JSON object")


def _checked(value: object, default: object) -> object | None:
    """``value`` in the kind of ``default``, or ``None`` when it is of another."""
    match default:
        case StrEnum():
            return next((member for member in type(default) if member.value == value), None)
        case bool():
            return value if isinstance(value, bool) else None
        case int():
            is_percent = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
            return value if is_percent else None
        case _:
            return value if isinstance(value, str) else None
