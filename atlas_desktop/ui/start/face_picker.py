"""The face with *Change face…* and the hint that a picture may be dropped."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from atlas_desktop.api.source import Face
from atlas_desktop.ui.look.controls import Button
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.popover import Popover
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.start.face_panel import FacePanel
from atlas_desktop.ui.start.face_well import FaceWell


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
