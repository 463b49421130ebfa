"""Settings: only what exists. Each change holds at once; there is nothing to apply."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QDialog, QVBoxLayout, QWidget

from atlas_desktop.storage.settings import Settings, ThemeChoice
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.flow import FlowLayout
from atlas_desktop.ui.look.labels import make_label, make_rule
from atlas_desktop.ui.look.switch import Switch
from atlas_desktop.ui.look.theme import Theme

_CHOICES = tuple(ThemeChoice)


class SettingsDialog(QDialog):
    """Look, motion, microphone. Open it with ``open()``.

    Signals:
        change_requested(object): Fields of ``Settings`` as a dict, with what shall hold from now on.
    """

    change_requested = Signal(object)

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(300)
        self._themes = QButtonGroup(self)
        self._motion = Switch(theme, self.tr("Reduce motion"))
        self._motion.setChecked(settings.reduce_motion)
        self._microphone = Switch(theme, self.tr("Microphone on when connected"))
        self._microphone.setChecked(settings.microphone_on_connect)
        self._build(theme, settings.theme)
        self._themes.idToggled.connect(self._choose_theme)
        self._motion.toggled.connect(self._choose_motion)
        self._microphone.toggled.connect(self._choose_microphone)

    def _build(self, theme: Theme, current: ThemeChoice) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(make_label(self.tr("Settings"), size="heading"))
        column.addWidget(make_label(self.tr("Look"), tone="dim", size="small"))
        column.addWidget(self._make_themes(theme, current))
        column.addWidget(self._motion)
        column.addWidget(make_rule())
        column.addWidget(make_label(self.tr("Conversation"), tone="dim", size="small"))
        column.addWidget(self._microphone)
        column.addStretch(1)
        done = Button(theme, self.tr("Done"), ButtonKind.PRIMARY)
        done.clicked.connect(self.accept)
        done.setDefault(True)
        column.addWidget(done, 0, Qt.AlignmentFlag.AlignRight)

    def _make_themes(self, theme: Theme, current: ThemeChoice) -> QWidget:
        names = {
            ThemeChoice.SYSTEM: self.tr("As the system"),
            ThemeChoice.DARK: self.tr("Dark"),
            ThemeChoice.LIGHT: self.tr("Light"),
        }
        box = QWidget()
        flow = FlowLayout(box, gap_px=6)
        for number, choice in enumerate(_CHOICES):
            # Checkable and exclusive: a radio button to a screen reader.
            button = Button(theme, names[choice])
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.set_height(36)
            button.setChecked(choice is current)
            self._themes.addButton(button, number)
            flow.addWidget(button)
        return box

    @Slot(int, bool)
    def _choose_theme(self, number: int, chosen: bool) -> None:
        if chosen:
            self.change_requested.emit({"theme": _CHOICES[number]})

    @Slot(bool)
    def _choose_motion(self, reduce: bool) -> None:
        self.change_requested.emit({"reduce_motion": reduce})

    @Slot(bool)
    def _choose_microphone(self, on: bool) -> None:
        self.change_requested.emit({"microphone_on_connect": on})
