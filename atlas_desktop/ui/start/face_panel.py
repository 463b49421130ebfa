"""The choices behind *Change face…*: shipped faces, a file, the clipboard, an HTTPS address."""

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QGuiApplication,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from atlas_desktop.ui.drops.drop_plan import plan_drop
from atlas_desktop.ui.drops.drop_target import addresses_of
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.focus import FocusRingMixin, draw_focus_ring
from atlas_desktop.ui.look.layouts import FlowLayout, flow_box, make_column
from atlas_desktop.ui.look.pictures import draw_rounded, face_title, pasted_picture, picture_of_file
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import make_label, set_tip
from atlas_desktop.ui.look.theme import Theme

_THUMBNAIL_PX = 72


class FacePanel(QWidget):
    """Content of the card behind *Change face…*.

    Signals:
        face_chosen(object): A ``Path``, the clipboard's ``PastedPicture``, or an address as ``str``.
        file_requested(): The user wants to choose a file.
    """

    face_chosen = Signal(object)
    file_requested = Signal()

    def __init__(self, theme: Theme, faces: tuple[Path, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._file = Button(theme, self.tr("Choose a file…"), icon="folder")
        self._paste = Button(theme, self.tr("Paste"), icon="paste")
        self._url = QLineEdit(self)
        self._url.setAccessibleName(self.tr("Face URL"))
        self._url.setPlaceholderText("https://…/face.png")
        self._url.setAcceptDrops(False)
        self._use = Button(theme, self.tr("Use"), name=self.tr("Use Face URL"))
        self._problem = make_label(tone="danger", size="small", wraps=True)
        self._problem.hide()
        self._thumbnails = [FaceThumbnail(theme, path, self) for path in faces]
        self._build()
        self._connect()

    @property
    def first_control(self) -> QWidget:
        """The control that gets the focus when the card opens."""
        return self._thumbnails[0] if self._thumbnails else self._file

    def _build(self) -> None:
        column = make_column(self, spacing_px=10)
        column.addWidget(make_label(self.tr("Change face"), strong=True))
        if self._thumbnails:
            gallery = QWidget(self)
            flow = FlowLayout(gallery, gap_px=10)
            for thumbnail in self._thumbnails:
                flow.addWidget(thumbnail)
            column.addWidget(gallery)
        buttons = flow_box(self._file, self._paste, gap_px=8, parent=self)
        column.addWidget(buttons)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._url, 1)
        line.addWidget(self._use)
        column.addLayout(line)
        column.addWidget(self._problem)
        hint = self.tr("PNG, JPEG or WebP, up to 20 MB. One face, seen from the front, works best.")
        column.addWidget(make_label(hint, tone="dim", size="small", wraps=True))

    def _connect(self) -> None:
        for thumbnail in self._thumbnails:
            thumbnail.chosen.connect(self.face_chosen)
        self._file.clicked.connect(self.file_requested)
        self._paste.clicked.connect(self.paste)
        self._use.clicked.connect(self._use_url)
        self._url.returnPressed.connect(self._use_url)
        self._url.textEdited.connect(self._problem.hide)

    @Slot()
    def paste(self) -> None:
        """Take a picture, a picture file or an HTTPS address from the clipboard."""
        self._problem.hide()
        data = QGuiApplication.clipboard().mimeData()
        picture = pasted_picture(data)
        # Copied files come with a picture of their icon, or a thumbnail.
        plan = plan_drop(addresses_of(data))
        text = data.text().strip()
        if plan.face is not None or plan.elsewhere:
            self.face_chosen.emit(plan.face or addresses_of(data)[0])
        elif picture:
            self.face_chosen.emit(picture)
        elif text.startswith("https://"):
            self.face_chosen.emit(text)
        else:
            self._show_problem(self.tr("There is no picture on the clipboard."))

    @Slot()
    def _use_url(self) -> None:
        url = self._url.text().strip()
        if url.startswith("https://") and len(url) > len("https://"):
            self.face_chosen.emit(url)
        else:
            self._show_problem(self.tr("The address must begin with https://"))

    def _show_problem(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self._problem, QAccessible.Event.Alert))


class FaceThumbnail(FocusRingMixin, QPushButton):
    """One shipped face, as a button; its picture is read when it is first painted.

    Signals:
        chosen(object): Its ``Path``, when pressed.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._path = path
        name = name_in_text(face_title(path.name))
        self.setAccessibleName(self.tr("Face {name}").format(name=name))
        set_tip(self, name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(self.sizeHint())
        self.clicked.connect(self._choose)

    def sizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(_THUMBNAIL_PX, _THUMBNAIL_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the face, with a ring when focused or hovered."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        if self.shows_ring or self.underMouse():
            box = draw_focus_ring(painter, box, 12, QColor(self._theme.tokens.accent))
        picture = picture_of_file(self._path, round(_THUMBNAIL_PX * self.devicePixelRatioF()))
        if not picture.isNull():
            draw_rounded(painter, picture, box, 10)
        painter.end()

    @Slot()
    def _choose(self) -> None:
        self.chosen.emit(self._path)
