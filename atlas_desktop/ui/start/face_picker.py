"""The face with *Change face…* and the hint that a picture may be dropped."""

from pathlib import Path

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QThreadPool, Signal, Slot
from PySide6.QtGui import QColor, QImage, QLinearGradient, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from atlas_desktop.api.source import Face
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.icons import draw_icon
from atlas_desktop.ui.look.pictures import draw_rounded, face_title, is_large, picture_of_face
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.popover import Popover
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.tokens import RADIUS_FACE_PX
from atlas_desktop.ui.start.face_panel import FacePanel


class FacePicker(QWidget):
    """A large face above its button, or a small one beside it.

    Signals:
        face_requested(object): A ``Path``, a ``PastedPicture`` or an address as ``str``.
        face_file_requested(): Choose one by dialog.
    """

    face_requested = Signal(object)
    face_file_requested = Signal()

    def __init__(self, theme: Theme, faces: tuple[Path, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._faces = faces
        self._popover: Popover | None = None
        self._panel: FacePanel | None = None
        self._well = FaceWell(theme, self)
        self._change = Button(theme, self.tr("Change face…"))
        self._hint = make_label(self.tr("or drop a picture here"), tone="dim", size="small")
        self._side = QVBoxLayout()
        self._line = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._build()
        self._well.clicked.connect(self.open_choices)
        self._change.clicked.connect(self.open_choices)

    def set_face(self, face: Face | None) -> None:
        """Show ``face`` and closes the choices."""
        self._well.set_face(face)
        self.close_choices()

    def set_form(self, side_px: int, *, compact: bool) -> None:
        """Set the size of the face; ``compact`` puts the button beside it."""
        self._well.set_side(side_px)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._line.setDirection(across if compact else down)
        centre, leading = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignLeft
        for child in (self._change, self._hint):
            self._side.setAlignment(child, leading if compact else centre)
        self._line.setAlignment(self._well, leading if compact else centre)
        self._line.setStretch(1, 1 if compact else 0)

    @Slot()
    def open_choices(self) -> None:
        """Open the card with gallery, file, clipboard and address."""
        if self._popover is None or self._panel is None:
            self._panel = FacePanel(self._theme, self._faces)
            self._popover = Popover(self._theme, self._panel, self.window())
            self._panel.face_chosen.connect(self.face_requested)
            self._panel.face_chosen.connect(self.close_choices)
            self._panel.file_requested.connect(self._choose_file)
        self._popover.open_at(self._change, self._panel.first_control)

    @Slot()
    def close_choices(self) -> None:
        """Close the card."""
        if self._popover is not None:
            self._popover.close_card()

    @Slot()
    def _choose_file(self) -> None:
        self.close_choices()
        self.face_file_requested.emit()

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._side.setSpacing(8)
        self._side.addStretch(1)
        self._side.addWidget(self._change)
        self._side.addWidget(self._hint)
        self._side.addStretch(1)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(16)
        self._line.addWidget(self._well)
        self._line.addLayout(self._side)


class _PictureLoader(QObject):
    """Reads large pictures in a thread, which must not be the one that destroys it: ``FaceWell`` keeps it.

    Signals:
        done(object, int, object): The face, the side in pixels, and its ``QImage``.
    """

    done = Signal(object, int, object)

    def start(self, face: Face, side_px: int) -> None:
        """Read one in a thread; the receiver may be gone by the time it is done."""
        QThreadPool.globalInstance().start(lambda: self._read(face, side_px))

    def _read(self, face: Face, side_px: int) -> None:
        self.done.emit(face, side_px, picture_of_face(face, side_px))


class FaceWell(QWidget):
    """Shows a face; one that is only an address, or none at all, as a calm silhouette.

    A large picture is read in a thread; meanwhile the one before it stays.

    Signals:
        clicked(): It was pressed with the pointer; the button beside it does the same by keyboard.
    """

    clicked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._face: Face | None = None
        self._picture = QImage()
        self._picture_side_px = 0
        self._side_px = 400
        self._loader = _PictureLoader()
        self._loader.done.connect(self._show_read, Qt.ConnectionType.QueuedConnection)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._update_name()

    @property
    def has_picture(self) -> bool:
        """Whether the face could be read."""
        return not self._read_picture().isNull()

    def set_face(self, face: Face | None) -> None:
        """Show ``face``."""
        if face != self._face:
            self._face = face
            self._picture_side_px = 0
            self._update_name()
            self.update()

    def set_side(self, side_px: int) -> None:
        """Set the side of the square."""
        if side_px != self._side_px:
            self._side_px = side_px
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the square."""
        return QSize(self._side_px, self._side_px)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Emit ``clicked`` for a press anywhere on the face."""
        inside = self.rect().contains(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and inside:
            self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, or the silhouette."""
        painter = QPainter(self)
        box = QRectF(self.rect())
        radius = min(RADIUS_FACE_PX, box.width() / 6)
        picture = self._read_picture()
        if picture.isNull():
            self._draw_silhouette(painter, box, radius)
        else:
            draw_rounded(painter, picture, box, radius)
        painter.end()

    def _read_picture(self) -> QImage:
        wanted_px = round(self._side_px * self.devicePixelRatioF())
        if self._face is None:
            return QImage()
        if wanted_px != self._picture_side_px:
            self._picture_side_px = wanted_px
            if is_large(self._face):
                self._loader.start(self._face, wanted_px)
            else:
                self._picture = picture_of_face(self._face, wanted_px)
        return self._picture

    @Slot(object, int, object)
    def _show_read(self, face: Face, side_px: int, picture: QImage) -> None:
        if face is self._face and side_px == self._picture_side_px:
            self._picture = picture
            self.update()

    def _draw_silhouette(self, painter: QPainter, box: QRectF, radius: float) -> None:
        fade = QLinearGradient(box.topLeft(), box.bottomLeft())
        fade.setColorAt(0, QColor("#39407A"))
        fade.setColorAt(1, QColor("#1B1F3B"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fade)
        painter.drawRoundedRect(box, radius, radius)
        side = box.width() * 0.36
        spot = QRectF(0, 0, side, side)
        spot.moveCenter(box.center())
        draw_icon(painter, "link" if self._face and self._face.url else "person", spot, QColor("#8E98E8"))

    def _update_name(self) -> None:
        face = self._face
        shown = name_in_text(face.url or face_title(face.name)) if face else self.tr("none")
        self.setAccessibleName(self.tr("Face: {name}").format(name=shown))
