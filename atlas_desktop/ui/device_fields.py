"""The sound devices in the settings: which speaker, which microphone."""

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QVBoxLayout

from atlas_desktop.sound_client.device_names import DeviceLists, DeviceName
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.look.drop_list import DropList
from atlas_desktop.ui.look.layouts import make_column
from atlas_desktop.ui.look.plain_text import name_in_text
from atlas_desktop.ui.look.plain_widgets import make_label
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_fields import SettingField


class DeviceFields(SettingField):
    """Two lists: the system's default, or one device that is used whenever it is connected."""

    def __init__(self, theme: Theme, devices: DeviceLists, settings: Settings) -> None:
        super().__init__()
        self._devices = devices
        self._settings = settings
        self._names: dict[str, str] = {}
        column = make_column(self, spacing_px=6)
        self._speakers = _add(column, theme, self.tr("Speaker device"))
        column.addSpacing(4)
        self._microphones = _add(column, theme, self.tr("Microphone device"))
        self._fill()
        devices.changed.connect(self._fill)
        self._speakers.activated.connect(self._choose_speaker)
        self._microphones.activated.connect(self._choose_microphone)

    def show_settings(self, settings: Settings) -> None:
        """Show the current devices."""
        before, self._settings = self._settings, settings
        if (before.speaker_id, before.microphone_id) != (settings.speaker_id, settings.microphone_id):
            self._fill()

    @Slot()
    def _fill(self) -> None:
        chosen = self._settings
        self._offer(self._speakers, self._devices.speakers(), chosen.speaker_id, chosen.speaker_name)
        self._offer(
            self._microphones, self._devices.microphones(), chosen.microphone_id, chosen.microphone_name
        )

    def _offer(self, field: DropList, there: Sequence[DeviceName], key: str, name: str) -> None:
        # A device chosen from a list that was open while it was unplugged has a name, too.
        self._names.update({one.key: one.name for one in there})
        usual = next((name_in_text(one.name, None) for one in there if one.is_default), "")
        as_usual = self.tr("As the system: {device}") if usual else self.tr("As the system")
        entries = [(as_usual.format(device=usual), "")]
        entries += [(name_in_text(one.name, None), one.key) for one in there]
        if key and all(key != one.key for one in there):
            gone = self.tr("{device} (not connected)").format(device=name_in_text(name or key, None))
            entries.append((gone, key))
        field.offer(entries, key)

    @Slot(int)
    def _choose_speaker(self, row: int) -> None:
        key, name = self._chosen(self._speakers, row, self._settings.speaker_name)
        self.change_requested.emit({"speaker_id": key, "speaker_name": name})

    @Slot(int)
    def _choose_microphone(self, row: int) -> None:
        key, name = self._chosen(self._microphones, row, self._settings.microphone_name)
        self.change_requested.emit({"microphone_id": key, "microphone_name": name})

    def _chosen(self, field: QComboBox, row: int, name_before: str) -> tuple[str, str]:
        """Return id and name; a device that is not connected keeps its stored name."""
        key = str(field.itemData(row))
        return key, self._names.get(key, name_before if key else "")


def _add(column: QVBoxLayout, theme: Theme, name: str) -> DropList:
    field = DropList(theme, name)
    # On Linux Qt gives a screen reader the current entry as the name, and the caption as its label.
    caption = make_label(name, tone="dim")
    caption.setBuddy(field)
    column.addWidget(caption)
    column.addWidget(field)
    return field
