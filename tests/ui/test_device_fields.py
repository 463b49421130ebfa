"""Which speaker and which microphone: in the settings, by name."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.sound_client.device_names import DeviceLists, DeviceName, id_of_key
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.device_fields import DeviceFields
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.settings_dialog import SettingsDialog

BUILT_IN, HEADSET = DeviceName(b"alsa.pci", "Built-in", True), DeviceName(b"usb\xff", "Headset", False)
MICROPHONE = DeviceName(b"usb.in", "Headset mono", True)


def lists_of(*speakers: DeviceName) -> DeviceLists:
    lists = DeviceLists()
    lists.set(speakers, (MICROPHONE,))
    return lists


class Bench:
    """The fields on devices that are fakes; what is asked for holds at once, as in the program."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        self.lists = lists_of(BUILT_IN, HEADSET)
        self.fields = DeviceFields(theme, self.lists, settings)
        self.asked: list[dict[str, object]] = []
        self.fields.change_requested.connect(self.take)

    def take(self, changes: dict[str, object]) -> None:
        self.asked.append(changes)
        self.fields.show_settings(Settings(**changes))  # type: ignore[arg-type]


def named(within: QWidget, name: str) -> QComboBox:
    return next(one for one in within.findChildren(QComboBox) if one.accessibleName() == name)


def entries(field: QComboBox) -> list[str]:
    return [field.itemText(row) for row in range(field.count())]


@pytest.fixture
def bench(theme: Theme, qtbot: QtBot) -> Bench:
    bench = Bench(theme, Settings())
    qtbot.addWidget(bench.fields)
    bench.fields.show()
    return bench


def test_devices_are_listed_by_name_below_the_systems_choice(bench: Bench) -> None:
    speaker, microphone = (named(bench.fields, f"{kind} device") for kind in ("Speaker", "Microphone"))
    assert entries(speaker) == ["As the system: Built-in", "Built-in", "Headset"]
    assert entries(microphone) == ["As the system: Headset mono", "Headset mono"]
    assert (speaker.currentIndex(), microphone.currentIndex()) == (0, 0)


def test_by_keyboard_one_is_chosen_and_the_system_again(bench: Bench) -> None:
    speaker = named(bench.fields, "Speaker device")
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Home):
        QTest.keyClick(speaker, key)
    first, second, last = bench.asked
    assert first == {"speaker_id": "alsa.pci", "speaker_name": "Built-in"}
    assert (id_of_key(str(second["speaker_id"])), second["speaker_name"]) == (HEADSET.id, "Headset")
    assert last == {"speaker_id": "", "speaker_name": ""}


def test_scrolling_the_page_chooses_nothing(bench: Bench) -> None:
    speaker = named(bench.fields, "Speaker device")
    speaker.setFocus()
    spot = QPointF(5, 5)
    wheel = QWheelEvent(
        spot,
        speaker.mapToGlobal(spot),
        QPoint(0, -40),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(speaker, wheel)
    assert (speaker.currentIndex(), bench.asked) == (0, [])


def test_a_device_that_goes_and_comes_back_stays_chosen(bench: Bench) -> None:
    speaker = named(bench.fields, "Speaker device")
    QTest.keyClick(speaker, Qt.Key.Key_End)
    bench.lists.set((BUILT_IN,), (MICROPHONE,))
    assert entries(speaker)[-1] == "Headset (not connected)"
    assert speaker.currentText() == "Headset (not connected)"
    bench.lists.set((BUILT_IN, HEADSET), (MICROPHONE,))
    assert speaker.currentText() == "Headset"
    assert len(bench.asked) == 1


def test_devices_that_come_and_go_change_no_list_that_is_open(bench: Bench, qtbot: QtBot) -> None:
    """Else it closes, or another one lies under the pointer."""
    speaker = named(bench.fields, "Speaker device")
    before = entries(speaker)
    speaker.showPopup()
    for there in ((), (BUILT_IN,)):
        bench.lists.set(there, (MICROPHONE,))
        assert entries(speaker) == before
        assert speaker.view().isVisible()
    # The one that has just gone is chosen.
    speaker.view().setCurrentIndex(speaker.model().index(2, 0))
    QTest.keyClick(speaker.view(), Qt.Key.Key_Return)
    assert bench.asked[-1]["speaker_name"] == "Headset"
    known = ["As the system: Built-in", "Built-in", "Headset (not connected)"]
    qtbot.waitUntil(lambda: entries(speaker) == known)
    assert speaker.currentIndex() == 2


def test_without_any_device_the_systems_choice_is_left(theme: Theme, qtbot: QtBot) -> None:
    fields = DeviceFields(theme, lists_of(), Settings())
    qtbot.addWidget(fields)
    assert entries(named(fields, "Speaker device")) == ["As the system"]


def test_the_settings_have_them_and_pass_on_what_is_chosen(theme: Theme, qtbot: QtBot) -> None:
    dialog = SettingsDialog(theme, Settings(), devices=lists_of(BUILT_IN, HEADSET))
    qtbot.addWidget(dialog)
    asked: list[object] = []
    dialog.change_requested.connect(asked.append)
    dialog.show()
    QTest.keyClick(named(dialog, "Microphone device"), Qt.Key.Key_End)
    assert asked == [{"microphone_id": "usb.in", "microphone_name": "Headset mono"}]


def test_a_long_name_ends_with_dots_and_is_whole_in_the_tool_tip(theme: Theme, qtbot: QtBot) -> None:
    lists = lists_of(DeviceName(b"long", "A name " * 30, True))
    fields = DeviceFields(theme, lists, Settings(speaker_id="long"))
    qtbot.addWidget(fields)
    fields.resize(300, fields.sizeHint().height())
    fields.show()
    speaker = named(fields, "Speaker device")
    assert fields.minimumSizeHint().width() <= 300
    assert speaker.toolTip() == "A name " * 30
    assert speaker.width() <= 300
