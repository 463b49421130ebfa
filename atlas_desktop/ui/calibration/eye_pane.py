"""By eye: a flash, and a slider that moves it until it meets the beep."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from atlas_desktop.ui.calibration.flash_panel import FlashPanel
from atlas_desktop.ui.look.amounts import fill
from atlas_desktop.ui.look.labels import make_label
from atlas_desktop.ui.look.theme import Theme

_STEP_MS, _PAGE_MS = 2, 20


class EyePane(QWidget):
    """Flash, slider and figure.

    Signals:
        moved(int): The flash shall come so many milliseconds after the sound server has the beep.
    """

    moved = Signal(int)

    def __init__(self, theme: Theme, longest_ms: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = FlashPanel(theme)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, longest_ms)
        self._slider.setSingleStep(_STEP_MS)
        self._slider.setPageStep(_PAGE_MS)
        self._slider.setMinimumHeight(28)
        self._slider.setAccessibleName(self.tr("Speaker delay"))
        self._figure = make_label()
        self._figure.setFont(theme.font(strong=True))
        self._figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widest = self._figure.fontMetrics().horizontalAdvance(self._words(longest_ms))
        self._figure.setMinimumWidth(widest + 4)
        self._build()
        self.setFocusProxy(self._slider)
        self._slider.valueChanged.connect(self._tell)
        self._show(self._slider.value())

    @property
    def value_ms(self) -> int:
        """Where the slider stands."""
        return self._slider.value()

    def show_value(self, value_ms: float) -> None:
        """Moves the slider."""
        self._slider.setValue(round(value_ms))

    def _build(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self._slider, 1)
        line.addWidget(self._figure)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.panel, 1)
        column.addLayout(line)

    @Slot(int)
    def _tell(self, value_ms: int) -> None:
        self._show(value_ms)
        self.moved.emit(value_ms)

    def _show(self, value_ms: int) -> None:
        self._figure.setText(self._words(value_ms))
        self._slider.setAccessibleDescription(self._words(value_ms))

    def _words(self, value_ms: int) -> str:
        return fill(self.tr("{count} ms"), count=value_ms)
