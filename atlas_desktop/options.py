"""Parsed options of the command line: plain data for the role that runs."""

from dataclasses import dataclass
from pathlib import Path

CHILD_FLAG = "--child"
"""Makes a role end at end-of-file on its standard input, which a shell may never have opened."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Options of the window; ``None`` and empty mean "as in the settings"."""

    local: bool = False
    backend: str | None = None
    mode: str | None = None
    face: str | None = None
    start: bool = False
    microphone: bool = False
    fullscreen: bool = False
    profile: Path | None = None
    audio: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Options of the test call."""

    local: bool = False
    mode: str = "conversation"
    seconds: float = 20.0
    out: Path | None = None
    as_json: bool = False
    profile: Path | None = None
