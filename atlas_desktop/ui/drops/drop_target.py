"""Takes drops for the whole window: shows what a drop would do, then emits it."""

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from atlas_desktop.files import addresses_in
from atlas_desktop.ui.drops.drop_overlay import DropContext, DropOverlay, text_for
from atlas_desktop.ui.drops.drop_plan import DropPlan, plan_drop
from atlas_desktop.ui.look.pictures import pasted_picture
from atlas_desktop.ui.look.theme import Theme

_ADDRESSES = ("text/uri-list", "x-special/gnome-copied-files")
# Events that come only while nothing is dragged.
_NO_DRAG = (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress)


class DropTarget(QObject):
    """Accepts everything on behalf of ``window``; what is of no use gets a notice later.

    Signals:
        dropped(object, object): The ``DropPlan``, and the ``PastedPicture`` that came without a file.
    """

    dropped = Signal(object, object)

    def __init__(self, theme: Theme, window: QWidget, context: DropContext) -> None:
        super().__init__(window)
        self._overlay = DropOverlay(theme, window)
        self._context = context
        self._plan = DropPlan()
        window.setAcceptDrops(True)

    @property
    def overlay(self) -> DropOverlay:
        """The overlay shown during a drag."""
        return self._overlay

    def set_context(self, context: DropContext) -> None:
        """Set the mode and state that decide what a drop does."""
        self._context = context

    def enter(self, event: QDragEnterEvent) -> None:
        """Show what a drop would do."""
        self._plan = plan_of_mime(event.mimeData())
        self._overlay.show_text(text_for(self._plan, self._context))
        self._watch(True)
        take_copy(event)

    def leave(self) -> None:
        """Hide the overlay: the drag left."""
        self._plan = DropPlan()
        self._watch(False)
        self._overlay.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Observe only; consume nothing."""
        if event.type() in _NO_DRAG:
            self.leave()
        return False

    def drop(self, event: QDropEvent) -> None:
        """Take the drop."""
        # The data read on entering counts: reading again costs a round trip to the other program, and on
        # X11 a source that is gone by now would block the window for seconds.
        plan, self._plan = self._plan, DropPlan()
        take_copy(event)
        picture = pasted_picture(event.mimeData()) if plan.has_picture_data else b""
        self._watch(False)
        self._overlay.hide()
        self.dropped.emit(plan, picture)

    def _watch(self, watch: bool) -> None:
        """Watch for plain events: a source that dies ends its drag without a leave event."""
        application = QApplication.instance()
        assert application is not None
        application.removeEventFilter(self)
        if watch:
            application.installEventFilter(self)


def plan_of_mime(data: QMimeData) -> DropPlan:
    """Plan a drop or paste of ``data`` by what it declares; the disk is not touched."""
    text = data.text() if data.hasText() else ""
    return plan_drop(addresses_of(data), text, has_picture_data=data.hasImage())


def addresses_of(data: QMimeData) -> list[str]:
    """Return the addresses of what is given, read as bytes: Qt's own lose what is not UTF-8 in a name."""
    for form in _ADDRESSES:
        if data.hasFormat(form):
            return addresses_in(bytes(data.data(form).data()))
    return [bytes(url.toEncoded().data()).decode() for url in data.urls()]


def take_copy(event: QDropEvent) -> None:
    """Accept a drag, never as a move: the source would delete the file."""
    if event.possibleActions() & Qt.DropAction.CopyAction:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    else:
        event.acceptProposedAction()
