"""The list of cues: one line that scrolls sideways, worked by pointer or keys."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QLinearGradient, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QWidget

from atlas_desktop.ui.cues.cue_delegate import CUE_HEIGHT_PX, CueDelegate
from atlas_desktop.ui.cues.cue_model import CueModel
from atlas_desktop.ui.look.focus import is_keyboard_focus
from atlas_desktop.ui.look.theme import Theme

_FADE_PX = 24
_OUTLINES_FROM_PX = 320


class CueList(QListView):
    """Shows cues side by side; what lies beyond an end fades there.

    Signals:
        play_requested(int): This row, from its start.
        remove_requested(int): This row.
        choice_changed(): Another row, or none, is selected.
    """

    play_requested = Signal(int)
    remove_requested = Signal(int)
    choice_changed = Signal()

    def __init__(self, rows: CueModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kept_row = -1
        self._delegate = CueDelegate(theme, self)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setSpacing(0)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedHeight(CUE_HEIGHT_PX)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setItemDelegate(self._delegate)
        self.setModel(rows)
        self.doubleClicked.connect(self._double_clicked)
        self.selectionModel().selectionChanged.connect(self.choice_changed)
        rows.modelReset.connect(self.choice_changed)
        rows.widths_changed.connect(self.scheduleDelayedItemsLayout)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    @property
    def chosen_row(self) -> int:
        """The selected row; -1 for none."""
        chosen = self.selectedIndexes()
        return chosen[0].row() if chosen else -1

    def keep_in_sight(self, row: int) -> None:
        """Keep ``row`` visible, now and after a resize; -1 for none."""
        self._kept_row = row
        if row >= 0:
            self.scrollTo(self.model().index(row, 0))

    def choose(self, row: int) -> None:
        """Select a row; one past the end selects the last."""
        last = self.model().rowCount() - 1
        if last >= 0:
            self.setCurrentIndex(self.model().index(max(0, min(row, last)), 0))

    def scrollTo(
        self,
        index: QModelIndex | QPersistentModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Scroll to a cue and a part of its neighbours, clear of the fades."""
        super().scrollTo(index, hint)
        box, bar = self.visualRect(index), self.horizontalScrollBar()
        over = box.right() + _FADE_PX - self.viewport().width()
        under = _FADE_PX - box.left()
        shift = -under if under > 0 else min(over, box.left() - _FADE_PX) if over > 0 else 0
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        bar.setValue(bar.value() + (-shift if mirrored else shift))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the playing cue visible; hide outlines in a short list, for the names."""
        super().resizeEvent(event)
        roomy = self.width() >= _OUTLINES_FROM_PX
        if roomy != self._delegate.shows_outline:
            self._delegate.shows_outline = roomy
            self.doItemsLayout()
        self.keep_in_sight(self._kept_row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Play on Enter, remove on Delete."""
        self._delegate.shows_focus = True
        row = self.currentIndex().row()
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if row >= 0 and plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.play_requested.emit(row)
        elif row >= 0 and plain and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_requested.emit(row)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring for keyboard focus only."""
        self._delegate.shows_focus = is_keyboard_focus(event.reason(), self._delegate.shows_focus)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The cues; more of them to either side show as a fade."""
        super().paintEvent(event)
        bar = self.horizontalScrollBar()
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        before, after = bar.value() > bar.minimum(), bar.value() < bar.maximum()
        painter = QPainter(self.viewport())
        if after if mirrored else before:
            self._draw_fade(painter, at_left=True)
        if before if mirrored else after:
            self._draw_fade(painter, at_left=False)
        painter.end()

    def _draw_fade(self, painter: QPainter, *, at_left: bool) -> None:
        area = self.viewport().rect()
        box = QRect(0 if at_left else area.width() - _FADE_PX, 0, _FADE_PX, area.height())
        clear = QColor(self._theme.tokens.surface)
        clear.setAlpha(0)
        fade = QLinearGradient(box.left(), 0, box.left() + _FADE_PX, 0)
        fade.setColorAt(0, QColor(self._theme.tokens.surface) if at_left else clear)
        fade.setColorAt(1, clear if at_left else QColor(self._theme.tokens.surface))
        painter.fillRect(box, fade)

    @Slot(QModelIndex)
    def _double_clicked(self, index: QModelIndex) -> None:
        self.play_requested.emit(index.row())
