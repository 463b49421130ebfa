"""The one window: pages in a stack, the transcript beside them, notices above, drops anywhere."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QObject, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QStyle, QVBoxLayout, QWidget

from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Face, Mode
from atlas_desktop.session.state import Ended, Failed, Idle, SessionState
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.closing_overlay import ClosingOverlay
from atlas_desktop.ui.drops.drop_overlay import DropContext
from atlas_desktop.ui.drops.drop_target import DropTarget, take_copy
from atlas_desktop.ui.ended_page import EndedPage
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.focus import holds_focus, is_typing
from atlas_desktop.ui.look.popover import Popover
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.notice_strip import NoticeStrip
from atlas_desktop.ui.side_pane import DOCKED_FROM_PX, SidePane
from atlas_desktop.ui.start.start_page import StartPage

MINIMUM_PX = (360, 480)
FIRST_PX = (1100, 720)
_CORNER_PX = 12
_FRAME_PX = (16, 48)
_FLOATING_TOP_PX = 60
_FLOATING_PX = 720


class MainWindow(QMainWindow):
    """Shows pages and emits requests. Painted before the model exists; ``WindowWiring`` connects the two.

    A ``QMainWindow`` only for its accessible role, a frame. It places its parts itself.

    Signals:
        close_requested(): The user wants it closed; the window stays until ``close_for_good``.
        settings_requested(): *Settings* on a page without a control bar.
        full_screen_changed(bool): The picture alone, or no longer.
        transcript_requested(bool): *Transcript* on a page without a control bar.
        transcript_shown(bool): The pane or drawer is to be seen, or no longer.
    """

    close_requested = Signal()
    settings_requested = Signal()
    full_screen_changed = Signal(bool)
    transcript_requested = Signal(bool)
    transcript_shown = Signal(bool)

    def __init__(self, theme: Theme, faces: tuple[Path, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stage: QWidget | None = None
        self._transcript_pane: QWidget | None = None
        self._waiting_cues: QWidget | None = None
        self._state: SessionState = Idle()
        self._last_state: SessionState = Idle()
        self._cues_waiting = False
        self._pane_wanted = True
        self._drawer_open = False
        self._typed_in = False
        self._is_full = False
        self._may_close = False
        self.notices = NoticeStrip(theme)
        self.start_page = StartPage(theme, faces)
        self.ended_page = EndedPage(theme)
        self._pages = QStackedWidget()
        self._column = QWidget(self)
        self._column_layout = QVBoxLayout(self._column)
        self._pane = SidePane(theme, self)
        self._settings = Button(theme, self.tr("Settings"), ButtonKind.QUIET, icon="gear")
        self._transcript = Button(theme, self.tr("Transcript"), ButtonKind.QUIET, icon="transcript")
        self.drops = DropTarget(theme, self, DropContext(Mode.CONVERSATION))
        self._veil = ClosingOverlay(theme, self)
        self._build()

    def show_first(self, settings: Settings, faces: tuple[Path, ...]) -> None:
        """Fill the start page from ``settings`` before the first paint; the model takes over once it exists.

        A face of the user's own is read later, off this thread; one of ``faces``, the shipped ones, at once.
        """
        self.restore_geometry_text(settings.window_geometry)
        page = self.start_page
        page.show_prices(FALLBACK_PER_HOUR_USD)
        page.show_mode(settings.mode)
        page.show_microphone(settings.microphone_on_connect)
        shipped = [path for path in faces if settings.face in ("", path.name, path.stem)]
        if shipped:
            page.picker.set_face(Face(shipped[0].name, shipped[0].read_bytes()))

    def set_live(self, stage: QWidget, transcript: QWidget, waiting_cues: QWidget | None = None) -> None:
        """Take the widgets of a session: built after the first paint, as they load the media path.

        Args:
            stage: The page with picture, overlay, steps, cue strip and control bar.
            transcript: The pane with messages and message box.
            waiting_cues: A cue strip for the start page: what was dropped before a session.
        """
        self._stage, self._transcript_pane, self._waiting_cues = stage, transcript, waiting_cues
        self._pages.addWidget(stage)
        self._pane.set_content(transcript)
        if waiting_cues is not None:
            self._column_layout.addWidget(waiting_cues)
        self._show_page()

    def show_state(self, state: SessionState, messages: int | None = None) -> None:
        """Show the page of ``state``; called with the same again, stay on the present one.

        ``messages`` is how many the transcript holds, for the page that offers to save it.
        """
        if state == self._last_state:
            return
        self._last_state = self._state = state
        if isinstance(state, Ended | Failed):
            self.ended_page.show_end(state, messages)
        self._show_page()

    def show_waiting_cues(self, waiting: bool) -> None:
        """Show the waiting cues on the start page."""
        self._cues_waiting = waiting
        self._show_page()

    def show_start(self) -> None:
        """Return to the start page after a session."""
        self._state = Idle()
        self._show_page()
        self.start_page.setFocus()

    @property
    def page(self) -> QWidget:
        """The visible page."""
        return self._pages.currentWidget() or self.start_page

    @property
    def is_transcript_shown(self) -> bool:
        """Whether the pane or the drawer is visible."""
        return self._pane.isVisibleTo(self)

    def show_transcript(self, shown: bool) -> bool:
        """Open or close pane or drawer. True when it was the pane, whose state is remembered."""
        docks = self._docks()
        self._typed_in = False
        if docks:
            self._pane_wanted = shown
        else:
            self._drawer_open = shown
        self._arrange()
        if self._pane.is_drawer and self._transcript_pane is not None:
            # A drawer covers what had the focus.
            self._transcript_pane.setFocus(Qt.FocusReason.OtherFocusReason)
        return docks

    def remember_pane(self, wanted: bool) -> None:
        """Set whether the pane is open where there is room; a drawer is opened by hand only."""
        self._pane_wanted = wanted
        self._arrange()

    def show_full_screen(self, full: bool) -> None:
        """Enter or leave full screen."""
        if full != self.isFullScreen():
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def geometry_text(self) -> str:
        """Return place and size as text for ``restore_geometry_text``."""
        return self.saveGeometry().toBase64().toStdString()

    def restore_geometry_text(self, text: str) -> None:
        """Restore place and size; invalid text leaves the size, bounded by the screen."""
        known = QByteArray.fromBase64(text.encode("ascii", "ignore"))
        if not (text and self.restoreGeometry(known)):
            self.resize(self.size().boundedTo(self.screen().availableSize() - QSize(*_FRAME_PX)))
        places = (screen.availableGeometry() for screen in QGuiApplication.screens())
        if not any(place.intersects(self.geometry()) for place in places):
            # A damaged text may give a place beyond all screens.
            self.move(self.screen().availableGeometry().topLeft())
        # Full screen is not restored: it is requested each time.
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)

    def close_overlay(self) -> bool:
        """Close a card or the drawer, whichever is open. False when there was none."""
        for popover in self.findChildren(Popover):
            if popover.isVisible():
                popover.close_card()
                return True
        if self._pane.is_drawer:
            self.show_transcript(False)
            return True
        return False

    def show_closing(self) -> None:
        """Show that a session is being ended and that the window then closes."""
        self._veil.cover()

    def close_for_good(self) -> None:
        """Close without asking."""
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Request the end of a running session first; the window stays until then."""
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_requested.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow full screen, requested here or by the desktop."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange and self.isFullScreen() is not self._is_full:
            self._is_full = self.isFullScreen()
            self._drawer_open = False
            self.full_screen_changed.emit(self._is_full)
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out the parts."""
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the corner's buttons and the notices in place."""
        if watched is self._pages and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place_corner()
        if watched is self.notices and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._place_notices()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the background."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._theme.tokens.bg))
        painter.end()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show what a drop would do."""
        self.drops.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept a drop everywhere."""
        take_copy(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Hide the overlay."""
        self.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the drop."""
        self.drops.drop(event)

    def _build(self) -> None:
        self.setWindowTitle(self.tr("Atlas Desktop"))
        self.setMinimumSize(*MINIMUM_PX)
        self.resize(*FIRST_PX)
        self._column_layout.setContentsMargins(0, 0, 0, 0)
        self._column_layout.setSpacing(0)
        self._column_layout.addWidget(self.notices)
        self._column_layout.addWidget(self._pages, 1)
        self.notices.installEventFilter(self)
        self._pages.installEventFilter(self)
        self._pages.addWidget(self.start_page)
        self._pages.addWidget(self.ended_page)
        self._transcript.setCheckable(True)
        self._transcript.toggle_requested.connect(self.transcript_requested)
        for button in (self._transcript, self._settings):
            # Not in the stack: of it a screen reader sees the pages only.
            button.setParent(self._column)
        self._settings.clicked.connect(self.settings_requested)
        self._pane.scrim_pressed.connect(self._close_drawer)
        self.notices.focus_left.connect(self._focus_page)
        self.ended_page.back_requested.connect(self.show_start)
        self._show_page()

    def _show_page(self) -> None:
        wanted, before = self._wanted_page(), self._pages.currentWidget()
        self._typed_in = self._is_pane_focused() and is_typing(self)
        if before is not wanted:
            self._pages.setCurrentWidget(wanted)
        on_stage = wanted is self._stage
        self._settings.setVisible(not on_stage)
        self._transcript.setVisible(wanted is self.ended_page and self._stage is not None)
        if self._waiting_cues is not None:
            self._waiting_cues.setVisible(self._cues_waiting and not on_stage)
        if self._stage is not None and before is self._stage and not on_stage:
            # Full screen shows the picture alone: it ends with the session.
            self.show_full_screen(False)
        self._arrange()

    def _wanted_page(self) -> QWidget:
        state = self._state
        cancelled = isinstance(state, Ended) and state.summary is None and state.reason is None
        if isinstance(state, Idle) or cancelled:
            return self.start_page
        if isinstance(state, Ended | Failed):
            return self.ended_page
        return self._stage if self._stage is not None else self.start_page

    def _docks(self) -> bool:
        return self.width() >= DOCKED_FROM_PX and not self.isFullScreen()

    def _is_pane_focused(self) -> bool:
        return self._pane.isVisibleTo(self) and holds_focus(self._pane)

    def _arrange(self) -> None:
        has_pane = self._stage is not None and self.page is not self.start_page
        before, has_focus = self._pane.isVisibleTo(self), self._is_pane_focused()
        # A page that changes by itself closes no field the user types in.
        self._typed_in = self._typed_in and has_focus
        wanted = self._pane_wanted if self._docks() else self._drawer_open
        shown = has_pane and (wanted or self._typed_in)
        leaves = has_focus and not shown
        rest = self._pane.place(self.rect(), shown=shown, may_dock=not self.isFullScreen())
        self._column.setGeometry(rest)
        self._place_corner()
        self._place_notices()
        if self._veil.isVisible():
            self._veil.cover()
        if leaves:
            # Else Qt focuses a button of the topmost notice.
            self.page.setFocus(Qt.FocusReason.OtherFocusReason)
        if before != shown:
            self._transcript.show_checked(shown)
            self.transcript_shown.emit(shown)

    def _place_notices(self) -> None:
        """Place the notices above the page; in full screen over it, so that the picture does not move."""
        layout, floats = self._column_layout, self.isFullScreen()
        if not floats:
            if layout.indexOf(self.notices) < 0:
                layout.insertWidget(0, self.notices)
            return
        layout.removeWidget(self.notices)
        width = min(_FLOATING_PX, self._column.width() - 2 * _CORNER_PX)
        left = (self._column.width() - width) // 2
        self.notices.setGeometry(left, _FLOATING_TOP_PX, width, self.notices.heightForWidth(width))
        self.notices.raise_()

    def _place_corner(self) -> None:
        page = self._pages.geometry()
        right = page.right() + 1 - _CORNER_PX
        for button in (self._settings, self._transcript):
            size = button.sizeHint()
            spot = QRect(right - size.width(), page.top() + _CORNER_PX, size.width(), size.height())
            button.setGeometry(QStyle.visualRect(self.layoutDirection(), page, spot))
            button.raise_()
            right -= size.width() + 4

    @Slot()
    def _focus_page(self) -> None:
        self.page.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _close_drawer(self) -> None:
        self.show_transcript(False)
