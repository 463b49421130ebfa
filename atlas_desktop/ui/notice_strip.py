"""Notices as strips above the stage: replaced by id, never modal, closable."""

from PySide6.QtCore import QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QSizePolicy, QVBoxLayout, QWidget

from atlas_desktop.ui.controllers.notices import Notice, NoticeAction, Severity
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.focus import holds_focus
from atlas_desktop.ui.look.icons import ICON_PX, draw_icon
from atlas_desktop.ui.look.layouts import FlowLayout, make_line
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme

_KEPT_AT_MOST = 6
_SHARE_OF_WINDOW = 0.45
_BESIDE_FROM_PX = 640
_TOKENS = {Severity.INFO: "accent", Severity.WARN: "warn", Severity.ERROR: "danger"}
_ICONS = {Severity.INFO: "info", Severity.WARN: "warning", Severity.ERROR: "error"}


class NoticeStrip(QWidget):
    """The notices, the newest at the bottom; takes no room when there is none.

    Signals:
        focus_left(): The notice that had the focus goes; it should move to where no key does harm.
    """

    focus_left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: dict[str, NoticeBar] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.hide()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices, from top to bottom."""
        return tuple(bar.notice for bar in self._bars.values())

    @Slot(object)
    def show_notice(self, notice: Notice) -> None:
        """Show ``notice`` in place of one with the same id, else as the newest."""
        place = self._remove(notice.id)
        if place < 0 and len(self._bars) >= _KEPT_AT_MOST:
            self._remove(next(iter(self._bars)))
        bar = NoticeBar(self._theme, notice, self)
        bar.gone.connect(self.clear_notice)
        self._bars[notice.id] = bar
        self._column.insertWidget(place if place >= 0 else self._column.count(), bar)
        self.show()
        self.fit(self.window().height())
        bar.announce()

    @Slot(object)
    def change_notice(self, notice: Notice) -> None:
        """Change the text of the notice of the same id without reading it out again, as for a countdown.

        No effect when it is not shown: it was closed. With other buttons it is replaced.
        """
        bar = self._bars.get(notice.id)
        if bar is None:
            return
        if not bar.change(notice):
            self.show_notice(notice)

    @Slot(str)
    def clear_notice(self, notice_id: str) -> None:
        """Remove the notice of that id, if shown."""
        self._remove(notice_id)
        self.setVisible(bool(self._bars))
        self.fit(self.window().height())

    def fit(self, window_height_px: int) -> None:
        """Show the newest notices that fit; older ones come back as these go."""
        left_px = round(window_height_px * _SHARE_OF_WINDOW)
        for number, bar in enumerate(reversed(self._bars.values())):
            need_px = bar.heightForWidth(self.width())
            left_px -= need_px
            bar.setVisible(number == 0 or left_px >= 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the notices to the new width."""
        super().resizeEvent(event)
        self.fit(self.window().height())

    def _remove(self, notice_id: str) -> int:
        bar = self._bars.pop(notice_id, None)
        if bar is None:
            return -1
        if holds_focus(bar):
            # Else Qt focuses a button of another notice, which may cost money.
            self.focus_left.emit()
        place = self._column.indexOf(bar)
        self._column.removeWidget(bar)
        bar.hide()
        bar.deleteLater()
        return place


class NoticeBar(QFrame):
    """One notice: icon, title, advice, buttons, close.

    Signals:
        gone(str): It is to be taken away; its id.
    """

    gone = Signal(str)

    def __init__(self, theme: Theme, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.notice = notice
        self._body = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._title = make_label(strong=True, wraps=True)
        self._title.setFont(theme.font(strong=True))
        self._advice = make_label(tone="dim", wraps=True)
        self._update_text()
        self._build()
        if notice.lasts_s is not None:
            QTimer.singleShot(round(notice.lasts_s * 1000), self, self._close)

    def announce(self) -> None:
        """Let a screen reader read it."""
        QAccessible.updateAccessibility(QAccessibleEvent(self._title, QAccessible.Event.Alert))

    def change(self, notice: Notice) -> bool:
        """Change the text. False if buttons or severity differ: then it is another notice."""
        here = self.notice
        if [action.label for action in notice.actions] != [action.label for action in here.actions]:
            return False
        if (notice.severity, bool(notice.advice)) != (here.severity, bool(here.advice)):
            return False
        self.notice = notice
        self._update_text()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the buttons beside the text where there is room."""
        super().resizeEvent(event)
        wide = self.width() >= _BESIDE_FROM_PX
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._body.setDirection(beside if wide else below)
        self._body.setSpacing(16 if wide else 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the surface, a mark in the colour of the severity, and a line below."""
        painter = QPainter(self)
        tokens = self._theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.surface))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(tokens.line))
        color = QColor(getattr(tokens, _TOKENS[self.notice.severity]))
        right_to_left = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        painter.fillRect(self.width() - 3 if right_to_left else 0, 0, 3, self.height() - 1, color)
        left = self.width() - 16 - ICON_PX if right_to_left else 16
        draw_icon(painter, _ICONS[self.notice.severity], QRectF(left, 13, ICON_PX, ICON_PX), color)
        painter.end()

    def _update_text(self) -> None:
        self._title.setText(self.notice.title)
        self._title.setAccessibleName(self.tr("Notice: {words}").format(words=_one_line(self.notice)))
        self._advice.setText(self.notice.advice)

    def _build(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._title)
        if self.notice.advice:
            words.addWidget(self._advice)
        close = Button(self._theme, self.tr("Close notice"), ButtonKind.QUIET, icon="close")
        close.set_height(32)
        close.clicked.connect(self._close)
        line = make_line(self, spacing_px=10, margins_px=(8, 6, 8, 7))
        # A spacer, not a margin: margins are not mirrored right to left.
        line.addSpacing(18 + ICON_PX)
        self._body.setContentsMargins(0, 5, 0, 5)
        self._body.addLayout(words, 1)
        if self.notice.actions:
            self._body.addWidget(self._make_actions())
        line.addLayout(self._body, 1)
        line.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)

    def _make_actions(self) -> QWidget:
        box = QWidget()
        flow = FlowLayout(box, gap_px=8)
        for action in self.notice.actions:
            kind = ButtonKind.PRIMARY if action.primary else ButtonKind.PLAIN
            button = ActionButton(self._theme, action, kind)
            button.done.connect(self._close)
            flow.addWidget(button)
        return box

    @Slot()
    def _close(self) -> None:
        self.gone.emit(self.notice.id)


class ActionButton(Button):
    """A button of a notice: calls its intent once.

    Signals:
        done(): It was pressed.
    """

    done = Signal()

    def __init__(self, theme: Theme, action: NoticeAction, kind: ButtonKind) -> None:
        super().__init__(theme, action.label, kind, costs=action.costs)
        self.set_height(32, 12)
        self._action = action
        self.clicked.connect(self._act)

    @Slot()
    def _act(self) -> None:
        # Removed before the intent is called, which may raise a notice of the same id.
        self.done.emit()
        self._action.intent()


def _one_line(notice: Notice) -> str:
    """Title and advice as they are read out, with one stop between them."""
    stop = "" if notice.title.endswith((".", "?", "!", "…")) else "."
    return f"{notice.title}{stop} {notice.advice}" if notice.advice else notice.title
