"""The cues as a Qt list model: one row a cue, in the order in which they are spoken."""

from collections.abc import Sequence
from enum import IntEnum
from itertools import groupby
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from atlas_desktop.api.limits import cost_usd
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.errors import shown_name
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.look.amounts import money, short_clock
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import tip_text

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class CueRole(IntEnum):
    """Data of a row besides its name."""

    CUE = Qt.ItemDataRole.UserRole
    DETAIL = Qt.ItemDataRole.UserRole + 1


class CueModel(QAbstractListModel):
    """Follows the cues; emits changes of changed rows only.

    Signals:
        widths_changed(): Rows need more or less room.
    """

    widths_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cues: list[Cue] = []
        self._price_per_hour_usd: float | None = None

    @property
    def cues(self) -> Sequence[Cue]:
        """The cues that are shown."""
        return self._cues

    @property
    def price_per_hour_usd(self) -> float | None:
        """The price of an hour of speech; ``None`` where it is free."""
        return self._price_per_hour_usd

    def show_cues(self, cues: Sequence[Cue]) -> None:
        """Show these cues; those that stay keep row and selection."""
        wanted = {cue.id for cue in cues}
        for row in reversed(range(len(self._cues))):
            if self._cues[row].id not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._cues[row]
                self.endRemoveRows()
        kept = {cue.id for cue in self._cues}
        staying = [cue for cue in cues if cue.id in kept]
        if [cue.id for cue in self._cues] != [cue.id for cue in staying]:
            self.beginResetModel()
            self._cues = list(cues)
            self.endResetModel()
            return
        self._change(staying)
        self._insert(cues, kept)

    def show_price(self, per_hour_usd: float | None) -> None:
        """Set the price by which costs are shown; ``None`` where it is free."""
        if per_hour_usd != self._price_per_hour_usd:
            self._price_per_hour_usd = per_hour_usd
            if self._cues:
                self.dataChanged.emit(self.index(0), self.index(len(self._cues) - 1))
                self.widths_changed.emit()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of cues."""
        return 0 if parent.isValid() else len(self._cues)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A row's name, its cue, its length and cost, or all of it for a screen reader."""
        if not 0 <= index.row() < len(self._cues):
            return None
        cue = self._cues[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return shown_name(cue.name, None)
            case Qt.ItemDataRole.AccessibleTextRole:
                length = f", {short_clock(cue.duration_s)}" if cue.duration_s is not None else ""
                word = self.tr("reading…") if cue.is_reading else self.state_text(cue.state)
                return f"{name_in_text(cue.name, None)}{length}, {word}"
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(self.reason(cue) or name_in_text(cue.path, None))
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return self.reason(cue)
            case CueRole.CUE:
                return cue
            case CueRole.DETAIL:
                return self.detail(cue)
        return None

    def detail(self, cue: Cue) -> str:
        """Return ``0:12 · ≈$0.02``; ``0:03 / 0:12 · …`` while current; ``reading…``; empty while unknown."""
        if cue.is_reading:
            return self.tr("reading…")
        if cue.duration_s is None:
            return ""
        length = short_clock(cue.duration_s)
        if cue.is_current:
            length = f"{short_clock(cue.position_s)} / {length}"
        if self._price_per_hour_usd is None:
            return length
        usd = cost_usd(cue.duration_s, self._price_per_hour_usd)
        return f"{length} · <{money(0.01)}" if usd < 0.005 else f"{length} · ≈{money(usd)}"

    def reason(self, cue: Cue) -> str:
        """Why it can't be spoken; empty when it can."""
        if cue.error is None:
            return ""
        return "\n".join(part for part in error_texts(cue.error) if part)

    def state_text(self, state: CueState) -> str:
        """Return the state in a word."""
        words = {
            CueState.WAITING: self.tr("waiting"),
            CueState.PLAYING: self.tr("playing"),
            CueState.PAUSED: self.tr("paused"),
            CueState.DONE: self.tr("done"),
            CueState.FAILED: self.tr("failed"),
            CueState.MISSING: self.tr("missing"),
        }
        return words[state]

    def _insert(self, cues: Sequence[Cue], kept: set[int]) -> None:
        """Insert new cues, each run of them at once."""
        row = 0
        for is_kept, run in groupby(cues, key=lambda cue: cue.id in kept):
            new = list(run)
            if not is_kept:
                self.beginInsertRows(QModelIndex(), row, row + len(new) - 1)
                self._cues[row:row] = new
                self.endInsertRows()
            row += len(new)

    def _change(self, cues: Sequence[Cue]) -> None:
        wider = False
        for row, (before, after) in enumerate(zip(self._cues, cues, strict=True)):
            if before is not after and before != after:
                self._cues[row] = after
                self.dataChanged.emit(self.index(row), self.index(row))
                wider = wider or _room(before) != _room(after)
        if wider:
            self.widths_changed.emit()


def _room(cue: Cue) -> tuple[object, ...]:
    marked = cue.state is not CueState.WAITING
    digits = len(short_clock(cue.position_s)) if cue.is_current else 0
    return cue.name, cue.duration_s, bool(cue.peaks), marked, cue.is_reading, digits
