"""What each step of a calibration says."""

from typing import assert_never

from PySide6.QtCore import QObject

from atlas_desktop.errors import NoSpeakerError, SoundServerLostError
from atlas_desktop.media.calibration import BEEPS
from atlas_desktop.ui.calibration.steps import Asking, Broken, ByEye, Found, Listening, Ready, Step, Unheard
from atlas_desktop.ui.desks.notices import error_words
from atlas_desktop.ui.look.amounts import fill

_SURE_BEEPS = 5


class StepWords(QObject):
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
            case Found():
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

    def _found(self, step: Found) -> str:
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
        title, advice = error_words(step.error)
        if isinstance(step.error, NoSpeakerError):
            # There is no picture here that goes on, and nothing that starts by itself.
            return title, self.tr("Connect one, then try again.")
        if isinstance(step.error, SoundServerLostError):
            return title, self.tr("Try again once it is back.")
        return title, advice
