from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QListView, QPushButton
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.cues.queue import CueState
from atlas_desktop.errors import UnreadableAudioError
from atlas_desktop.session.state import Idle, Live
from atlas_desktop.ui.cues.cue_delegate import fewer_bars, progress
from atlas_desktop.ui.cues.cue_model import CueRole
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.look.amounts import short_clock
from atlas_desktop.ui.look.theme import Theme
from tests.ui.driven_model import GRANT, DrivenModel, cue

WAITING, PLAYING, PAUSED, DONE = CueState.WAITING, CueState.PLAYING, CueState.PAUSED, CueState.DONE


@pytest.fixture
def model(tmp_path: Path, qapp: QApplication) -> DrivenModel:
    model = DrivenModel(tmp_path, Live(GRANT))
    model.show_mode(Mode.PASSTHROUGH)
    return model


@pytest.fixture
def strip(model: DrivenModel, theme: Theme, qtbot: QtBot) -> CueStrip:
    strip = CueStrip(model, theme)
    qtbot.addWidget(strip)
    strip.resize(780, 52)
    strip.show()
    qtbot.waitExposed(strip)
    return strip


def cues(strip: CueStrip) -> QListView:
    return next(one for one in strip.findChildren(QListView) if one.accessibleName() == "Cue strip")


def asked_of(strip: CueStrip, role: int) -> list[str]:
    rows = cues(strip).model()
    return [rows.data(rows.index(row, 0), role) for row in range(rows.rowCount())]


def names(strip: CueStrip) -> list[str]:
    return asked_of(strip, Qt.ItemDataRole.AccessibleTextRole)


def button(strip: CueStrip, name: str) -> QPushButton:
    return next(one for one in strip.findChildren(QPushButton) if one.accessibleName() == name)


def choose(strip: CueStrip, row: int) -> None:
    cues(strip).setCurrentIndex(cues(strip).model().index(row, 0))


def empty_words(strip: CueStrip) -> str:
    return "".join(label.text() for label in strip.findChildren(QLabel) if label.isVisible())


def test_cues_say_name_length_and_state(model: DrivenModel, strip: CueStrip) -> None:
    model.put(*(cue(number, f"{state}.wav", state) for number, state in enumerate(CueState)))
    assert names(strip) == [
        "waiting.wav, 0:12, waiting",
        "playing.wav, 0:12, playing",
        "paused.wav, 0:12, paused",
        "done.wav, 0:12, done",
        "failed.wav, 0:12, failed",
        "missing.wav, 0:12, missing",
    ]
    strip.grab()


def test_unknown_length_is_left_out(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "new.wav", duration_s=None))
    assert names(strip) == ["new.wav, waiting"]
    assert asked_of(strip, CueRole.DETAIL) == [""]


def test_cost_only_where_it_is_billed(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav"), cue(2, "b.wav", duration_s=1.0))
    assert asked_of(strip, CueRole.DETAIL) == ["0:12 · ≈$0.02", "0:01 · <$0.01"]
    model.show(model.snapshot.state, price_per_hour_usd=30.0)
    assert asked_of(strip, CueRole.DETAIL)[0] == "0:12 · ≈$0.10"
    model.show(model.snapshot.state, billed=False)
    assert asked_of(strip, CueRole.DETAIL) == ["0:12", "0:01"]


def test_failure_says_why(model: DrivenModel, strip: CueStrip) -> None:
    broken = replace(cue(1, "broken.mp3", CueState.FAILED), error=UnreadableAudioError(name="broken.mp3"))
    model.put(broken)
    assert "holds no sound" in asked_of(strip, Qt.ItemDataRole.ToolTipRole)[0]


def test_play_and_pause_are_one_place(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", PLAYING), cue(2, "b.wav"))
    assert not button(strip, "Play").isVisible()
    button(strip, "Pause").setFocus(Qt.FocusReason.TabFocusReason)
    button(strip, "Pause").click()
    model.put(cue(1, "a.wav", PAUSED), cue(2, "b.wav"))
    assert not button(strip, "Pause").isVisible()
    assert button(strip, "Play").hasFocus()
    button(strip, "Play").click()
    assert model.asked == [("pause_cue",), ("play_cue", None)]


def test_play_takes_the_chosen_one_when_nothing_is_spoken(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", DONE), cue(2, "b.wav", DONE))
    choose(strip, 1)
    button(strip, "Play").click()
    assert model.asked == [("play_cue", 2)]


def test_play_begins_again_when_all_is_over(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", DONE), cue(2, "b.wav", DONE))
    button(strip, "Play").click()
    assert model.asked == [("play_cue", 1)]
    assert not button(strip, "Next").isEnabled()


def test_next(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", PLAYING), cue(2, "b.wav"))
    button(strip, "Next").click()
    assert model.asked == [("next_cue",)]


def test_remove_takes_the_chosen_else_the_current(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", DONE), cue(2, "b.wav", PLAYING), cue(3, "c.wav"))
    choose(strip, 2)
    button(strip, "Remove").click()
    cues(strip).clearSelection()
    button(strip, "Remove").click()
    assert model.asked == [("remove_cue", 3), ("remove_cue", 2)]
    cues(strip).clearSelection()
    assert not button(strip, "Remove").isEnabled()


def test_keys(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", DONE), cue(2, "b.wav", PLAYING), cue(3, "c.wav"))
    view = cues(strip)
    view.setFocus(Qt.FocusReason.TabFocusReason)
    choose(strip, 0)
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert model.asked == [("play_cue", 2), ("remove_cue", 2)]
    assert view.currentIndex().row() == 1
    strip.grab()


def test_double_click_plays(model: DrivenModel, strip: CueStrip) -> None:
    model.put(cue(1, "a.wav", DONE), cue(2, "b.wav", PLAYING))
    view = cues(strip)
    QApplication.processEvents()
    spot = view.visualRect(view.model().index(0, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert model.asked == [("play_cue", 1)]


@pytest.mark.parametrize("pointless", ["conversation", "idle"])
def test_nothing_plays_where_nothing_would_be_heard(
    model: DrivenModel, strip: CueStrip, pointless: str
) -> None:
    model.put(cue(1, "a.wav"))
    if pointless == "idle":
        model.show(Idle())
    else:
        model.show_mode(Mode.CONVERSATION)
    assert not button(strip, "Play").isEnabled()
    assert button(strip, "Play").toolTip() != "Play"
    assert not button(strip, "Next").isEnabled()


def test_empty_strip_speaks(model: DrivenModel, strip: CueStrip) -> None:
    assert empty_words(strip) == "Drop audio here"
    assert not button(strip, "Play").isVisible()
    model.show_mode(Mode.CONVERSATION)
    assert empty_words(strip) == "Drop audio here: it is spoken in passthrough"
    strip.resize(280, 52)
    assert empty_words(strip) == "Drop audio here"
    model.put(cue(1, "a.wav"))
    assert empty_words(strip) == ""
    assert strip.height() == 52


def test_playing_cue_stays_in_sight(model: DrivenModel, strip: CueStrip) -> None:
    hundred = [cue(number, f"clip {number}.wav") for number in range(100)]
    model.put(*hundred)
    QApplication.processEvents()
    hundred[70] = replace(hundred[70], state=PLAYING, position_s=1.0)
    model.put(*hundred)
    QApplication.processEvents()
    view = cues(strip)
    seen = view.visualRect(view.model().index(70, 0))
    assert view.viewport().rect().contains(seen)


def test_progress_touches_one_row(
    model: DrivenModel, strip: CueStrip, record: Callable[..., list[int]]
) -> None:
    model.put(*(cue(number, "a.wav", PLAYING if number == 3 else WAITING) for number in range(10)))
    changed = record(cues(strip).model())
    model.put(*(replace(one, position_s=one.position_s and 5.0) for one in model.cues))
    assert changed == [3]


@pytest.fixture
def record() -> Callable[..., list[int]]:
    def start(rows: object) -> list[int]:
        changed: list[int] = []
        rows.dataChanged.connect(lambda first, _last: changed.append(first.row()))  # type: ignore[attr-defined]
        return changed

    return start


def test_chosen_row_survives_changes(model: DrivenModel, strip: CueStrip) -> None:
    model.put(*(cue(number, "a.wav") for number in range(4)))
    choose(strip, 2)
    model.put(*model.cues[1:], cue(9, "new.wav"))
    assert cues(strip).currentIndex().row() == 1


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_any_direction_and_width(model: DrivenModel, strip: CueStrip, direction: Qt.LayoutDirection) -> None:
    strip.setLayoutDirection(direction)
    strip.resize(280, 52)
    model.put(*(cue(number, "a rather long name for a clip.wav", PLAYING) for number in range(4)))
    strip.grab()
    assert strip.width() == 280


def test_small_sums() -> None:
    assert [short_clock(value) for value in (0.4, 12, 59.6, 125, 3725)] == [
        "0:00",
        "0:12",
        "1:00",
        "2:05",
        "1:02:05",
    ]
    assert progress(cue(1, "a.wav", PLAYING)) == 0.25
    assert progress(cue(1, "a.wav", DONE)) == 0
    assert fewer_bars((1, 9, 2, 3), 2) == [9, 3]
    assert fewer_bars((5,), 3) == [5, 5, 5]


def test_what_is_given_is_seen_while_nothing_plays(model: DrivenModel, strip: CueStrip) -> None:
    strip.resize(360, strip.height())
    twenty = [cue(number, f"clip {number}.wav") for number in range(20)]
    model.put(*twenty[:19])
    model.put(*twenty)
    view = cues(strip)
    assert view.viewport().rect().intersects(view.visualRect(view.model().index(19, 0)))


def test_what_comes_in_between_keeps_the_rest_in_its_rows(model: DrivenModel, strip: CueStrip) -> None:
    (view,) = strip.findChildren(QListView)
    first, last = cue(1, "first.wav"), cue(9, "last.wav")
    model.put(first, last)
    view.setCurrentIndex(view.model().index(1, 0))
    resets = QSignalSpy(view.model().modelReset)
    model.put(first, cue(3, "a.wav"), cue(4, "b.wav"), last, cue(12, "c.wav"))
    names_now = [view.model().index(row, 0).data() for row in range(5)]
    assert names_now == ["first.wav", "a.wav", "b.wav", "last.wav", "c.wav"]
    assert view.currentIndex().row() == 3
    assert resets.count() == 0


def test_what_is_still_read_says_so(model: DrivenModel, strip: CueStrip) -> None:
    reading = replace(cue(1, "album", duration_s=None), is_reading=True)
    model.put(reading)
    assert names(strip) == ["album, reading…"]
    assert asked_of(strip, CueRole.DETAIL) == ["reading…"]
    strip.grab()
    model.put(replace(reading, is_reading=False))
    assert names(strip) == ["album, waiting"]
