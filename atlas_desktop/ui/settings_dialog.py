"""The settings dialog, built from the settings table. Each change takes effect at once."""

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QWidget

from atlas_desktop.sound_client.device_names import DeviceLists
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.controllers.notices import translated
from atlas_desktop.ui.device_fields import DeviceFields
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_widgets import make_label, make_rule
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.proxy_fields import ProxyFields
from atlas_desktop.ui.settings_fields import AmountFields, ChoiceField, SettingField, ToggleField
from atlas_desktop.ui.settings_table import SECTIONS, Choice, Composite, Row, Toggle
from atlas_desktop.ui.sync_fields import SyncFields

_SIZE = QSize(420, 620)
_EDGE_PX = 24


class SettingsDialog(QDialog):
    """All rows of the settings table. Open it with ``open()``.

    Signals:
        history_requested(): Show what paid sessions were and cost.
        calibration_requested(): Measure the speaker's delay.
        change_requested(object): New values of fields of ``Settings``, as a dict.
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
        self._theme = theme
        self._can_calibrate = can_calibrate
        self._devices = devices
        self._fields: list[SettingField] = []
        self.setWindowTitle(self.tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(300)
        self._area = QScrollArea()
        self._history = Button(theme, self.tr("Sessions and cost"))
        self._history.setVisible(has_history)
        self._history.clicked.connect(self.history_requested)
        self._build(settings, parent)

    def show_limits(self) -> None:
        """Scroll to the limits and give them the focus."""
        limits = next(field for field in self._fields if isinstance(field, AmountFields))
        limits.setFocus()
        self._area.ensureWidgetVisible(limits)

    @Slot(object)
    def show_settings(self, settings: Settings) -> None:
        """Show the current values: a calibration changes some while this is open."""
        for field in self._fields:
            field.show_settings(settings)

    def _build(self, settings: Settings, parent: QWidget | None) -> None:
        done = Button(self._theme, self.tr("Done"), ButtonKind.PRIMARY)
        done.clicked.connect(self._finish)
        done.setDefault(True)
        foot = QHBoxLayout()
        foot.setContentsMargins(_EDGE_PX, 12, _EDGE_PX, 16)
        foot.addWidget(self._history)
        foot.addStretch(1)
        foot.addWidget(done)
        self._area.setWidget(self._make_page(settings))
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = make_column(self)
        outer.addWidget(self._area, 1)
        outer.addWidget(make_rule())
        outer.addLayout(foot)
        self.resize(_SIZE if parent is None else _SIZE.boundedTo(parent.window().size()))

    def _make_page(self, settings: Settings) -> QWidget:
        page = QWidget()
        page.setObjectName("page")
        column = make_column(page, spacing_px=12, margins_px=(_EDGE_PX, 20, _EDGE_PX, 16))
        column.addWidget(make_label(self.tr("Settings"), size="heading"))
        shown = [one for one in SECTIONS if Composite.DEVICES not in one.rows or self._devices is not None]
        for number, section in enumerate(shown):
            if number:
                column.addWidget(make_rule())
            column.addWidget(make_label(translated(section.title), tone="dim", size="small"))
            for row in section.rows:
                if isinstance(row, Choice) and row.caption:
                    column.addWidget(make_label(translated(row.caption), tone="dim", size="small"))
                column.addWidget(self._make_field(row, settings))
        column.addStretch(1)
        return page

    def _make_field(self, row: Row, settings: Settings) -> SettingField:
        field: SettingField
        match row:
            case Toggle():
                field = ToggleField(self._theme, row, settings)
            case Choice():
                field = ChoiceField(self._theme, row, settings)
            case tuple():
                field = AmountFields(self._theme, row, settings)
            case Composite.DEVICES:
                assert self._devices is not None
                field = DeviceFields(self._theme, self._devices, settings)
            case Composite.SYNC:
                field = sync = SyncFields(self._theme, settings)
                sync.calibration_requested.connect(self.calibration_requested)
                if self._can_calibrate:
                    sync.offer_calibration()
            case Composite.PROXY:
                field = ProxyFields(self._theme, settings)
        field.change_requested.connect(self.change_requested)
        self._fields.append(field)
        return field

    @Slot()
    def _finish(self) -> None:
        """Close, unless typed input was refused: the user has to see that first."""
        refused = [field.take_refusal() for field in self._fields]
        if not any(refused):
            self.accept()
