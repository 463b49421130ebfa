"""The texts of the statistics: rows of caption and value."""

from typing import NamedTuple

from PySide6.QtCore import QObject

from atlas_desktop.media.lipsync import SyncFigures
from atlas_desktop.ui.live.call_statistics import CallFigures
from atlas_desktop.ui.look.amounts import fill, number

NOTHING = "–"
_TOGETHER_MS = 1.0


class Row(NamedTuple):
    """Caption and value; ``NOTHING`` while unknown."""

    caption: str
    value: str


class StatisticsTexts(QObject):
    """Makes the rows, always the same number in the same order."""

    def rows(self, figures: CallFigures) -> tuple[Row, ...]:
        """Return all rows, in the user's language."""
        sync = figures.sync
        return (
            Row(self.tr("Picture"), self._picture(figures)),
            Row(self.tr("Frames"), self._frames(figures)),
            Row(self.tr("Picture delay"), self._ms(sync.picture_ms)),
            Row(self.tr("Sound delay"), self._sound_delay(figures)),
            Row(self.tr("Sound comes"), self._skew(sync.skew_ms)),
            Row(self.tr("Lip sync"), self._lip_sync(sync)),
            Row(self.tr("Sound held"), self._ms(figures.sound_held_ms)),
            Row(self.tr("Sound ran dry"), self._dry(figures)),
            Row(self.tr("Round trip"), self._ms(_at_least_one(figures.round_trip_ms))),
            Row(self.tr("Painted by"), self._painter(figures)),
        )

    def text(self, figures: CallFigures) -> str:
        """Return all rows as text, for a report."""
        return "\n".join(f"{row.caption}: {row.value}" for row in self.rows(figures))

    def _picture(self, figures: CallFigures) -> str:
        if figures.size_px is None:
            return NOTHING
        width, height = figures.size_px
        if figures.rate_hz is None:
            return fill("{width} × {height}", width=width, height=height)
        words = self.tr("{width} × {height}, {rate} a second")
        return fill(words, width=width, height=height, rate=round(figures.rate_hz))

    def _frames(self, figures: CallFigures) -> str:
        if not figures.received:
            return NOTHING
        words = fill(
            self.tr("{shown} shown of {received}, {dropped} dropped"),
            shown=figures.shown,
            received=figures.received,
            dropped=figures.dropped,
        )
        if figures.unseen:
            words += fill(self.tr(", {count} while hidden"), count=figures.unseen)
        return words

    def _sound_delay(self, figures: CallFigures) -> str:
        delay_ms = figures.sync.sound_ms
        if delay_ms is None:
            return NOTHING
        return fill(
            self.tr("{delay} ms, {own} of it the speaker's"),
            delay=round(delay_ms),
            own=round(figures.speaker_ms),
        )

    def _skew(self, skew_ms: float | None) -> str:
        if skew_ms is None:
            return NOTHING
        if abs(skew_ms) < _TOGETHER_MS:
            return self.tr("with the picture")
        words = self.tr("{count} ms later") if skew_ms > 0 else self.tr("{count} ms earlier")
        return fill(words, count=round(abs(skew_ms)))

    def _lip_sync(self, sync: SyncFigures) -> str:
        if not sync.lip_sync:
            return self.tr("off: lowest delay")
        words = fill(self.tr("pictures wait {count} ms"), count=round(sync.hold_ms))
        return words if sync.settled else fill(self.tr("{words}, settling"), words=words)

    def _dry(self, figures: CallFigures) -> str:
        words = fill(self.tr("{count}×, {heard} of them heard"), count=figures.underruns, heard=figures.gaps)
        if not figures.underruns:
            words = self.tr("never")
        if figures.starved:
            words += fill(self.tr("; {count} for want of sound"), count=figures.starved)
        return words

    def _painter(self, figures: CallFigures) -> str:
        if figures.paint_ms is None:
            return figures.painter or NOTHING
        cost = number(figures.paint_ms, 1)
        return fill(self.tr("{painter}, {cost} ms a frame"), painter=figures.painter, cost=cost)

    def _ms(self, value: float | None) -> str:
        return NOTHING if value is None else fill(self.tr("{count} ms"), count=round(value))


def _at_least_one(value: float | None) -> float | None:
    # WebRTC counts whole milliseconds; the pill shows the same.
    return None if value is None else max(1.0, value)
