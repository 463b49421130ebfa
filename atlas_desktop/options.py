"""What the command line asked for: plain data between the arguments and the role that runs."""

from dataclasses import dataclass
from pathlib import Path

CHILD_FLAG = "--child"
"""Tells a role that it ends at end-of-file on its standard input, which a shell may never have opened."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the window is opened with; ``None`` and empty mean "as the settings say"."""

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
    """What the test call does."""

    local: bool = False
    mode: str = "conversation"
    seconds: float = 20.0
    out: Path | None = None
    as_json: bool = False
    profile: Path | None = None
