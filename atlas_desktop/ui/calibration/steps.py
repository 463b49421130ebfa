"""Where a calibration stands: a closed sum, and nothing of Qt."""

from dataclasses import dataclass
from typing import TypeAlias

from atlas_desktop.errors import AppError
from atlas_desktop.media.calibration import Heard


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing beeps yet. ``hears``: there is a microphone."""

    hears: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """The platform asks the user for the microphone."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The microphone hears the beeps."""


@dataclass(frozen=True, slots=True)
class ByEye:
    """The user moves the flash. ``hears``: there is a microphone to go back to."""

    hears: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The microphone heard enough; ``used_ms`` is what can be made up for."""

    heard: Heard
    used_ms: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """Too few beeps were heard."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Speaker or microphone can't be used."""

    error: AppError


Step: TypeAlias = Ready | Asking | Listening | ByEye | Found | Unheard | Broken
