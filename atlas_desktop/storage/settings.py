"""The settings: typed values, and the JSON text that holds them."""

import json
import math
import os
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import Mode
from atlas_desktop.lenient_json import parse_object
from atlas_desktop.proxies import ProxyMode, ProxySetting
from atlas_desktop.storage import atomic

VOLUME_DEFAULT = 80
_LIMITS = SpendingLimits()
_SURROGATES = re.compile("[\ud800-\udfff]")
_MISREAD_BY = 100.0
_SPEAKER_DELAY_MS = 12.0
_SPEAKER_DELAYS_MS = {"darwin": 15.0, "win32": 25.0}


def speaker_delay_default_ms(platform: str = sys.platform) -> float:
    """What is usual behind a platform's sound server, until a calibration says better."""
    return _SPEAKER_DELAYS_MS.get(platform, _SPEAKER_DELAY_MS)


class ThemeChoice(StrEnum):
    """Which colours: the system's wish, or a fixed one."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


class RendererSetting(StrEnum):
    """Renderer of the picture: automatic is a graphics card with a driver of its own, where there is one."""

    AUTO = "auto"
    RASTER = "raster"
    GL = "gl"


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
        match_loudness: Audio files are spoken at one loudness, −16 LUFS; off: as they are.
        transcript_open: The transcript's side pane is shown.
        window_geometry: Qt's own text for place and size, base64; empty the first time.
        limit_session_usd: One session costs no more; then it is ended.
        limit_session_s: One session lasts no longer.
        limit_day_usd: All sessions of one day cost no more.
        limit_idle_s: Nobody did anything for so long: the session is ended, after a question.
        limit_hang_s: The program gave no sign of life for so long: its sessions are ended.
        lip_sync: Pictures wait for their sound; off: the lowest delay.
        speaker_delay_ms: How much later than the sound server takes it a sound is heard, less the same of
            the screen; found by the calibration.
        speaker_id: The speaker that is used whenever it is there; empty: the system's default.
        speaker_name: What it is called, for when it is not there.
        microphone_id: The same for the microphone.
        microphone_name: What it is called.
        picture_path: Renderer of the picture, from the next start on.
        limits_seen: The limits were shown before a paid session.
        proxy_mode: Where the proxy comes from.
        proxy_address: The proxy, where the mode says so; never with a password.
        limits_checked: No version that misread amounts has written them since they were last looked at.
    """

    theme: ThemeChoice = ThemeChoice.SYSTEM
    reduce_motion: bool = False
    volume: int = VOLUME_DEFAULT
    mode: Mode = Mode.CONVERSATION
    face: str = ""
    backend_url: str = ""
    microphone_on_connect: bool = False
    match_loudness: bool = True
    transcript_open: bool = True
    window_geometry: str = ""
    limit_session_usd: float = _LIMITS.session_usd
    limit_session_s: float = _LIMITS.session_s
    limit_day_usd: float = _LIMITS.day_usd
    limit_idle_s: float = _LIMITS.idle_s
    limit_hang_s: float = _LIMITS.hang_s
    lip_sync: bool = True
    speaker_delay_ms: float = speaker_delay_default_ms()
    speaker_id: str = ""
    speaker_name: str = ""
    microphone_id: str = ""
    microphone_name: str = ""
    picture_path: RendererSetting = RendererSetting.AUTO
    limits_seen: bool = False
    proxy_mode: ProxyMode = ProxyMode.AUTOMATIC
    proxy_address: str = ""
    limits_checked: bool = True

    @property
    def proxy_setting(self) -> ProxySetting:
        """The proxy in the form that ``proxies`` takes."""
        return ProxySetting(self.proxy_mode, self.proxy_address)

    @property
    def spending_limits(self) -> SpendingLimits:
        """The limits in the form that the session and the guard take."""
        return SpendingLimits(
            session_usd=self.limit_session_usd,
            session_s=self.limit_session_s,
            day_usd=self.limit_day_usd,
            idle_s=self.limit_idle_s,
            hang_s=self.limit_hang_s,
        )


RANGES: dict[str, tuple[float, float]] = {
    "volume": (0, 100),
    "limit_session_usd": (0.05, 1000.0),
    "limit_session_s": (10.0, 86_400.0),
    "limit_day_usd": (0.05, 10_000.0),
    "limit_idle_s": (10.0, 86_400.0),
    "limit_hang_s": (5.0, 600.0),
    "speaker_delay_ms": (-100.0, 300.0),
}
"""The lowest and the highest value of each number."""
_LIMIT_NAMES = tuple(name for name in RANGES if name.startswith("limit_"))
_SEALED = "limits_seal"
_SEAL = re.compile(r'"limits_seal": "([0-9a-f. e+-]{1,200})"')


def parse(text: str) -> tuple[Settings, dict[str, Any]]:
    """Read settings from JSON; return them and the whole object, unknown keys included.

    A value of the wrong kind counts as not there. No limit is higher than what was written: beside the limits
    stands a seal, which says what they were.

    Raises:
        ValueError: It is not a JSON object.
    """
    found = parse_object(text)
    known: dict[str, Any] = {}
    for field in fields(Settings):
        if field.name in found:
            value = _checked(field.name, found[field.name], field.default)
            if value is not None:
                known[field.name] = value
    for name, usd_or_s in _ceilings(found).items():
        known[name] = min(known.get(name, math.inf), usd_or_s)
    return Settings(**known), found


def stored_proxy_setting(file: Path) -> ProxySetting:
    """Return the proxy in a profile's settings file, as it is now; automatic where that can't be read."""
    try:
        return parse(atomic.read_text(file, errors="replace"))[0].proxy_setting
    except (OSError, ValueError):
        return ProxySetting()


def misread_limits(found: dict[str, Any]) -> dict[str, float]:
    """Return the limits of ``found`` that an earlier version misread, with what they were.

    Empty when all is well.

    It wrote amounts with a point and read them with the user's locale. Where that has a comma, the usual 5.00
    that nobody had touched became 500. One that a person typed looks alike: so this is looked at once.
    """
    if found.get("limits_checked") is True:
        return {}
    usual = {"limit_session_usd": _LIMITS.session_usd, "limit_day_usd": _LIMITS.day_usd}
    return {name: usd for name, usd in usual.items() if found.get(name) == usd * _MISREAD_BY}


def unusable_limits(found: dict[str, Any]) -> tuple[str, ...]:
    """Return the limits of ``found`` that are replaced: zero, negative, infinite, or not what was written."""
    ceilings = _ceilings(found)
    read = {name: _number(name, found[name], float) for name in _LIMIT_NAMES if name in found}
    unusable = {name for name, value in read.items() if value is None}
    unusable.update(name for name, most in ceilings.items() if (read.get(name) or math.inf) > most)
    return tuple(name for name in _LIMIT_NAMES if name in unusable)


def sealed_limits(text: str) -> dict[str, float]:
    """Return the limits in what is left of a settings file; empty where their seal is broken, too."""
    seal = _SEAL.search(text)
    return {} if seal is None else _opened(seal[1])


def format_json(settings: Settings, kept: dict[str, Any]) -> str:
    """Write settings as JSON, with the unknown keys of ``kept``: an older version loses nothing."""
    ours = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    # The seal comes first: what is torn off behind it does not take it along.
    whole = {_SEALED: "", **kept, **ours} | {_SEALED: _seal(ours)}
    text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    # A path may hold bytes that are no UTF-8: escaped they survive, written plainly they would not.
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _seal(found: Mapping[str, Any]) -> str:
    """Return the limits once more, with a sum over them: no byte of one can change unseen."""
    written = (found.get(name) for name in _LIMIT_NAMES)
    numbers = " ".join(repr(value) if isinstance(value, int | float) else "?" for value in written)
    return f"{numbers} {zlib.crc32(numbers.encode('utf-8', 'replace')):08x}"


def _opened(seal: str) -> dict[str, float]:
    """Return the limits that ``seal`` says; empty where it is broken."""
    try:
        found = dict(zip(_LIMIT_NAMES, map(float, seal.split()[:-1]), strict=True))
    except ValueError:
        return {}
    usable = all(_number(name, value, float) is not None for name, value in found.items())
    numbers = seal.rpartition(" ")[0]
    return found if usable and seal == f"{numbers} {zlib.crc32(numbers.encode()):08x}" else {}


def _ceilings(found: Mapping[str, Any]) -> dict[str, float]:
    """What the limits are not higher than, where they are not those that were written; else empty.

    Nothing says so of what was written by hand, or by an earlier version.
    """
    if _SEALED not in found:
        return {}
    seal, (numbers, _, sum_) = found[_SEALED], _seal(found).rpartition(" ")
    # With one of both, it is the seal that is damaged.
    if isinstance(seal, str) and (seal.startswith(f"{numbers} ") or seal.endswith(f" {sum_}")):
        return {}
    usual = {name: getattr(Settings(), name) for name in _LIMIT_NAMES}
    return (_opened(seal) if isinstance(seal, str) else {}) or usual


def _checked(name: str, value: object, default: object) -> object | None:
    """``value`` in the kind of ``default``, or ``None`` when it is of another, or out of range."""
    match default:
        case StrEnum():
            return next((member for member in type(default) if member.value == value), None)
        case bool():
            return value if isinstance(value, bool) else None
        case int() | float():
            return _number(name, value, type(default))
        case _:
            return value if isinstance(value, str) and _is_writable(value) else None


def _is_writable(text: str) -> bool:
    """Return whether it can be a path: everything that is a text here may become one."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _number(name: str, value: object, kind: type[int] | type[float]) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return None
    lowest, highest = RANGES[name]
    # A number that is none (NaN) is in no range.
    return kind(value) if lowest <= value <= highest else None
