"""The steps of a calibration, as a closed sum, and their texts."""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from PySide6.QtCore import QObject

from atlas_desktop.errors import AppError, NoSpeakerError, SoundServerLostError
from atlas_desktop.media.beep_finder import BEEPS, BeepMeasurement
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.look.amounts import fill

_SURE_BEEPS = 5


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
class DelayFound:
    """The microphone heard enough beeps; ``used_ms`` is the part that can be compensated."""

    heard: BeepMeasurement
    used_ms: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """Too few beeps were heard."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Speaker or microphone can't be used."""

    error: AppError


Step: TypeAlias = Ready | Asking | Listening | ByEye | DelayFound | Unheard | Broken


class StepTexts(QObject):
    """Title and sentences of a step, in the user's language."""

    def of(self, step: Step) -> tuple[str, str]:
        """Title, and what to know or do."""
        match step:
            case Ready():
                return self.tr("How late is your speaker?"), self._ready(step.hears)
            case Asking():
                words = self.tr("The microphone is needed for ten seconds. Nothing is kept or sent.")
                return self.tr("Allow the microphone"), words
            case Listening():
                return self.tr("Listening…"), self.tr("Stay quiet until the last beep.")
            case ByEye():
                return self.tr("Bring flash and beep together"), self.tr(
                    "The flash comes before the beep? Move the slider to the right. After it? To the left."
                )
            case DelayFound():
                return fill(
                    self.tr("Your speaker adds {count} ms"), count=round(max(0.0, step.heard.delay_ms))
                ), self._found(step)
            case Unheard():
                return self.tr("Too few beeps were heard"), self.tr(
                    "Turn this computer's volume up, come nearer with the microphone, or let the room be "
                    "quieter. With headphones, do it by eye."
                )
            case Broken():
                return self._broken(step)
            case _ as never:
                assert_never(never)

    def _ready(self, hears: bool) -> str:
        if hears:
            words = self.tr(
                "{count} beeps, ten seconds: the microphone hears how late they are. Take off headphones, "
                "and set the volume as you would to listen."
            )
            return fill(words, count=BEEPS)
        return self.tr(
            "There is no microphone: your eye measures. You hear a beep and see a flash every second, and "
            "bring them together."
        )

    def _found(self, step: DelayFound) -> str:
        words = fill(
            self.tr("{beeps} of {total} beeps agree within {spread} ms."),
            beeps=step.heard.beeps,
            total=BEEPS,
            spread=max(1, round(step.heard.spread_ms)),
        )
        if step.heard.delay_ms > step.used_ms + 0.5:
            most = fill(self.tr("{count} ms at most can be made up for."), count=step.used_ms)
            return f"{words} {most}"
        if step.heard.beeps < _SURE_BEEPS:
            return f"{words} " + self.tr("Try again where it is quieter to be surer of it.")
        return words

    def _broken(self, step: Broken) -> tuple[str, str]:
        title, advice = error_texts(step.error)
        if isinstance(step.error, NoSpeakerError):
            # No picture goes on here, and nothing restarts by itself.
            return title, self.tr("Connect one, then try again.")
        if isinstance(step.error, SoundServerLostError):
            return title, self.tr("Try again once it is back.")
        return title, advice
