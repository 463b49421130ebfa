"""Settings: only what exists. Each change holds at once, unless its label says when; nothing to apply."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from atlas_desktop.sound_client.devices import DeviceLists
from atlas_desktop.storage.settings import PicturePath, Settings, ThemeChoice
from atlas_desktop.ui.device_fields import DeviceFields
from atlas_desktop.ui.limit_fields import LimitFields
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.plain_widgets import make_label, make_rule
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.toggle_switch import ToggleSwitch
from atlas_desktop.ui.proxy_fields import ProxyFields
from atlas_desktop.ui.sync_fields import SyncFields

_SIZE = QSize(420, 620)
_EDGE_PX = 24
_CHOICES = tuple(ThemeChoice)
_PATHS = tuple(PicturePath)


class SettingsDialog(QDialog):
    """Look, who paints, devices, picture and sound, audio files, limits, proxy. Open it with ``open()``.

    Signals:
        history_requested(): What paid sessions were and cost.
        calibration_requested(): The speaker's delay is to be found out.
        change_requested(object): Fields of ``Settings`` as a dict, with what shall hold from now on.
    """

    change_requested = Signal(object)
    history_requested = Signal()
    calibration_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        parent: QWidget | None = None,
        *,
        has_history: bool = False,
        can_calibrate: bool = False,
        devices: DeviceLists | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(300)
        self._area = QScrollArea()
        self._themes = QButtonGroup(self)
        self._paths = QButtonGroup(self)
        self._motion = ToggleSwitch(theme, self.tr("Reduce motion"))
        self._motion.setChecked(settings.reduce_motion)
        self._microphone = ToggleSwitch(theme, self.tr("Microphone on when connected"))
        self._microphone.setChecked(settings.microphone_on_connect)
        self._sync = SyncFields(theme, settings)
        if can_calibrate:
            self._sync.offer_calibration()
        self._devices = DeviceFields(theme, devices, settings) if devices is not None else None
        self._loudness = ToggleSwitch(theme, self.tr("Same loudness for all audio files"))
        self._loudness.setChecked(settings.match_loudness)
        self._limits = LimitFields(theme)
        self._limits.show_settings(settings)
        self._proxy = ProxyFields(theme, settings)
        self._history = Button(theme, self.tr("Sessions and cost"))
        self._history.setVisible(has_history)
        self._build(theme, settings, parent)
        self._themes.idToggled.connect(self._choose_theme)
        self._paths.idToggled.connect(self._choose_path)
        self._motion.toggled.connect(self._choose_motion)
        self._microphone.toggled.connect(self._choose_microphone)
        self._sync.change_requested.connect(self.change_requested)
        self._sync.calibration_requested.connect(self.calibration_requested)
        if self._devices is not None:
            self._devices.change_requested.connect(self.change_requested)
        self._loudness.toggled.connect(self._choose_loudness)
        self._proxy.change_requested.connect(self.change_requested)
        self._limits.changed.connect(self._choose_limit)
        self._history.clicked.connect(self.history_requested)

    def show_limits(self) -> None:
        """Brings the limits into sight, and the keys to the first of them."""
        self._limits.setFocus()
        self._area.ensureWidgetVisible(self._limits)

    @Slot(object)
    def show_settings(self, settings: Settings) -> None:
        """Shows what of picture and sound holds now: a calibration changes it while this is open."""
        self._sync.show_settings(settings)
        if self._devices is not None:
            self._devices.show_settings(settings)

    def _build(self, theme: Theme, settings: Settings, parent: QWidget | None) -> None:
        done = Button(theme, self.tr("Done"), ButtonKind.PRIMARY)
        done.clicked.connect(self._finish)
        done.setDefault(True)
        foot = QHBoxLayout()
        foot.setContentsMargins(_EDGE_PX, 12, _EDGE_PX, 16)
        foot.addWidget(self._history)
        foot.addStretch(1)
        foot.addWidget(done)
        self._area.setWidget(self._make_page(theme, settings))
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._area, 1)
        outer.addWidget(make_rule())
        outer.addLayout(foot)
        self.resize(_SIZE if parent is None else _SIZE.boundedTo(parent.window().size()))

    def _make_page(self, theme: Theme, settings: Settings) -> QWidget:
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(_EDGE_PX, 20, _EDGE_PX, 16)
        column.setSpacing(12)
        column.addWidget(make_label(self.tr("Settings"), size="heading"))
        column.addWidget(make_label(self.tr("Look"), tone="dim", size="small"))
        column.addWidget(self._make_themes(theme, settings.theme))
        column.addWidget(self._motion)
        painted = self.tr("Who paints the picture, from the next start on")
        column.addWidget(make_label(painted, tone="dim", size="small"))
        column.addWidget(self._make_paths(theme, settings.picture_path))
        column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Conversation"), tone="dim", size="small"))
        column.addWidget(self._microphone)
        column.addWidget(make_rule())
        if self._devices is not None:
            column.addWidget(make_label(self.tr("Sound devices"), tone="dim", size="small"))
            column.addWidget(self._devices)
            column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Picture and sound"), tone="dim", size="small"))
        column.addWidget(self._sync)
        column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Audio files"), tone="dim", size="small"))
        column.addWidget(self._loudness)
        column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Limits of paid sessions"), tone="dim", size="small"))
        column.addWidget(self._limits)
        column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Proxy"), tone="dim", size="small"))
        column.addWidget(self._proxy)
        column.addStretch(1)
        return page

    def _make_themes(self, theme: Theme, current: ThemeChoice) -> QWidget:
        names = {
            ThemeChoice.SYSTEM: self.tr("As the system"),
            ThemeChoice.DARK: self.tr("Dark"),
            ThemeChoice.LIGHT: self.tr("Light"),
        }
        labels = [names[choice] for choice in _CHOICES]
        return _make_choices(theme, labels, self._themes, _CHOICES.index(current))

    def _make_paths(self, theme: Theme, current: PicturePath) -> QWidget:
        names = {
            PicturePath.AUTO: self.tr("Whichever is faster"),
            PicturePath.RASTER: self.tr("Processor"),
            PicturePath.GL: self.tr("Graphics card"),
        }
        labels = [names[path] for path in _PATHS]
        return _make_choices(theme, labels, self._paths, _PATHS.index(current))

    @Slot()
    def _finish(self) -> None:
        """Closes, unless something that was typed was not taken: that is to be seen first."""
        self._limits.values()
        refused = (self._limits.take_refusal(), self._sync.take_refusal())
        if not any(refused):
            self.accept()

    @Slot(int, bool)
    def _choose_theme(self, number: int, chosen: bool) -> None:
        if chosen:
            self.change_requested.emit({"theme": _CHOICES[number]})

    @Slot(int, bool)
    def _choose_path(self, number: int, chosen: bool) -> None:
        if chosen:
            self.change_requested.emit({"picture_path": _PATHS[number]})

    @Slot(bool)
    def _choose_motion(self, reduce: bool) -> None:
        self.change_requested.emit({"reduce_motion": reduce})

    @Slot(bool)
    def _choose_microphone(self, on: bool) -> None:
        self.change_requested.emit({"microphone_on_connect": on})

    @Slot(bool)
    def _choose_loudness(self, match: bool) -> None:
        self.change_requested.emit({"match_loudness": match})

    @Slot(str, float)
    def _choose_limit(self, name: str, value: float) -> None:
        self.change_requested.emit({name: value})


def _make_choices(theme: Theme, labels: Sequence[str], group: QButtonGroup, current: int) -> QWidget:
    """One of several: checkable and exclusive buttons, radio buttons to a screen reader."""
    box = QWidget()
    flow = FlowLayout(box, gap_px=6)
    for number, label in enumerate(labels):
        button = Button(theme, label)
        button.setCheckable(True)
        button.setAutoExclusive(True)
        button.set_height(36)
        button.setChecked(number == current)
        group.addButton(button, number)
        flow.addWidget(button)
    return box
