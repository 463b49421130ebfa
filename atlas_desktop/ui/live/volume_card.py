"""Volume of the avatar: a button that shows it, and a card with slider and mute."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from atlas_desktop.ui.look.amounts import percent
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label, set_tip
from atlas_desktop.ui.look.popover import Popover
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.toggle_switch import ToggleSwitch
from atlas_desktop.ui.model import AppModel

_WHEEL_STEP = 5
_SLIDER_PX = 180


class VolumeButton(Button):
    """Opens the card; the wheel over it changes the volume at once."""

    def __init__(self, model: AppModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, self.tr("Sound"), ButtonKind.ROUND, icon="volume", parent=parent)
        self._model = model
        self._theme = theme
        self._volume = 0
        self._muted = False
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._figure = make_label(tone="dim")
        self._mute = ToggleSwitch(theme, self.tr("Mute"))
        self._card: Popover | None = None
        self._content = self._make_content()
        self._slider.valueChanged.connect(self._change_volume)
        self._mute.toggled.connect(self._change_muted)
        self.clicked.connect(self._open)
        model.volume_changed.connect(self.show_volume)
        self.show_volume(model.settings.volume, model.muted)

    @Slot(int, bool)
    def show_volume(self, volume: int, muted: bool) -> None:
        """Show volume and mute without requesting them."""
        self._volume, self._muted = volume, muted
        self._slider.setValue(volume)
        self._mute.setChecked(muted)
        level = percent(volume)
        self._figure.setText(level)
        self.set_icon_name("volume-off" if muted or volume == 0 else "volume")
        words = self.tr("Sound: off") if muted else self.tr("Sound: {level}").format(level=level)
        set_tip(self, words)
        self.setAccessibleDescription(words)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A notch is five percent."""
        notches = event.angleDelta().y() / 120
        self._slider.setValue(self._slider.value() + round(notches * _WHEEL_STEP))
        event.accept()

    def _make_content(self) -> QWidget:
        self._slider.setRange(0, 100)
        self._slider.setPageStep(10)
        self._slider.setFixedWidth(_SLIDER_PX)
        self._slider.setAccessibleName(self.tr("Volume"))
        self._figure.setFont(self._theme.font())
        self._figure.setMinimumWidth(self._figure.fontMetrics().horizontalAdvance("100 %") + 2)
        content = QWidget()
        column = make_column(content, spacing_px=12)
        column.addWidget(make_label(self.tr("Volume"), strong=True))
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self._slider, 1)
        line.addWidget(self._figure)
        column.addLayout(line)
        column.addWidget(self._mute)
        return content

    @Slot()
    def _open(self) -> None:
        if self._card is None:
            # Created once the button is in its window, which the card covers.
            self._card = Popover(self._theme, self._content, self.window())
        self._card.open_at(self, self._slider)

    @Slot(int)
    def _change_volume(self, volume: int) -> None:
        if volume != self._volume:
            self._model.set_volume(volume)

    @Slot(bool)
    def _change_muted(self, muted: bool) -> None:
        if muted != self._muted:
            self._model.set_muted(muted)
