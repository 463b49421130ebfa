"""The texts of the history's cells."""

from datetime import datetime

from PySide6.QtCore import QObject

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.source import Mode
from atlas_desktop.storage.billing_entry import Outcome
from atlas_desktop.storage.history import HistoryRow
from atlas_desktop.ui.look.amounts import day, duration_words, money, time_of_day

NOTHING = "–"


class HistoryTexts(QObject):
    """Makes the texts of the cells in the user's language. Thread: the UI's."""

    def started(self, moment: datetime) -> str:
        """Return ``24 Nov 2026, 10:42``. ``moment`` is local."""
        # Translators: the order of day, month and year; see Qt's QLocale::toString.
        return f"{day(moment, self.tr('d MMM yyyy'))}, {time_of_day(moment)}"

    def mode(self, mode: Mode) -> str:
        return self.tr("Conversation") if mode is Mode.CONVERSATION else self.tr("Passthrough")

    def duration(self, row: HistoryRow) -> str:
        return NOTHING if row.duration_s is None else duration_words(row.duration_s)

    def amount(self, usd: float | None) -> str:
        return NOTHING if usd is None else money(usd)

    def ending(self, row: HistoryRow) -> str:
        """Return how the session ended, or that it is open."""
        match row.outcome:
            case Outcome.OPEN:
                return self.tr("Still open")
            case Outcome.ASKED:
                return self.tr("Never answered")
            case Outcome.DISMISSED:
                return self.tr("Over, by your word")
        return self._why(row.why)

    def sentence(self, row: HistoryRow) -> str:
        """The whole row, as a screen reader says it."""
        parts = [self.started(row.started), self.mode(row.mode)]
        if row.duration_s is not None:
            parts.append(duration_words(row.duration_s))
        if row.estimated_usd is not None:
            parts.append(self.tr("our figure {cost}").format(cost=money(row.estimated_usd)))
        if row.charged_usd is not None:
            parts.append(self.tr("Atlas's figure {cost}").format(cost=money(row.charged_usd)))
        return ", ".join([*parts, self.ending(row)])

    def _why(self, why: str) -> str:
        known: dict[str, str] = {
            EndReason.ASKED: self.tr("By you"),
            EndReason.LIMIT: self.tr("Limit reached"),
            EndReason.IDLE: self.tr("Nobody was there"),
            EndReason.HANG: self.tr("The program hung"),
            EndReason.APP_GONE: self.tr("The program went away"),
            EndReason.SLEEP: self.tr("The computer slept"),
            EndReason.GUARD_TOLD: self.tr("Stopped by the system"),
            EndReason.SERVICE: self.tr("By the service"),
            EndReason.UNUSABLE: self.tr("Could not be used"),
            EndReason.LEFT_OPEN: self.tr("Left open, ended later"),
        }
        # A newer version may have written a reason that this one does not know.
        return known.get(why, self.tr("Ended"))
