"""Notices as plain data, and the conversion of an error into one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QCoreApplication

from atlas_desktop.errors import (
    AppError,
    DeviceError,
    MediaError,
    MicrophoneMutedError,
    SpeechMutedError,
    TranscriptCutError,
)
from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.plain_text import name_in_text

Intent = Callable[[], None]
"""What a button of a notice calls, on the UI thread."""


class Severity(StrEnum):
    """How much a notice matters: it decides icon, colour and announcement."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class NoticeAction:
    """A button of a notice. ``intent`` is called on the UI thread after the notice was removed.

    ``costs``: it spends money, so an accidental press is filtered.
    """

    label: str
    intent: Intent
    primary: bool = False
    costs: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One strip above the stage. A later notice of the same ``id`` replaces it.

    Attributes:
        id: Stable name, for example an error's code.
        severity: How much it matters.
        title: What happened, already in the user's language.
        advice: What to do about it; may be empty.
        actions: Buttons, the most useful one first.
        lasts_s: Removed after so many seconds; ``None``: stays until closed or cleared.
    """

    id: str
    severity: Severity
    title: str
    advice: str = ""
    actions: tuple[NoticeAction, ...] = ()
    lasts_s: float | None = None


def translated(template: str, **params: object) -> str:
    """Translate an English template of the core and fill in its parameters.

    Texts among these may come from files and from strangers: they are shown literally.
    """
    shown = {name: name_in_text(value) if isinstance(value, str) else value for name, value in params.items()}
    return fill(QCoreApplication.translate("Core", template), **shown)


def error_texts(error: AppError) -> tuple[str, str]:
    """Return title and advice of ``error`` in the user's language; the advice may be empty."""
    advice = translated(error.advice, **error.params) if error.advice else ""
    return translated(error.title, **error.params), advice


def notice_of(error: AppError, *actions: NoticeAction) -> Notice:
    """Return the notice of ``error``; its id is the error's code."""
    # Trouble with a file or device leaves the session running: a warning, not an error.
    mild = isinstance(
        error, MediaError | DeviceError | MicrophoneMutedError | SpeechMutedError | TranscriptCutError
    )
    title, advice = error_texts(error)
    return Notice(error.code, Severity.WARN if mild else Severity.ERROR, title, advice, actions)
