from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QRadioButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Face, Mode
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.session.snapshot import MicState
from atlas_desktop.session.state import (
    Ending,
    Joining,
    Parked,
    Reconnecting,
    Requesting,
    Stop,
    Summary,
    Waiting,
)
from atlas_desktop.ui.live.auto_hide_controls import HIDE_AFTER_MS
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.level_indicator import LevelIndicator
from atlas_desktop.ui.look.pictures import png_bytes
from atlas_desktop.ui.look.pill import PillButton
from atlas_desktop.ui.look.spinner import StepMark
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.video.picture_view import PictureView
from tests.ui.driven_model import GRANT, DrivenModel


@dataclass
class Bench:
    window: QWidget
    page: LivePage
    model: DrivenModel
    picture: PictureView
    cues: QWidget

    def button(self, name: str) -> QAbstractButton:
        found = [child for child in self.page.findChildren(QAbstractButton) if child.accessibleName() == name]
        return next(child for child in found if child.isVisible())

    def can_press(self, name: str) -> bool:
        return self.button(name).isEnabled()

    def names(self) -> set[str]:
        return {label.accessibleName() for label in self.page.findChildren(QLabel) if label.isVisible()}

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel) if label.isVisible())


@pytest.fixture
def bench(theme: Theme, qtbot: QtBot, tmp_path: Path) -> Bench:
    window, model, picture = QWidget(), DrivenModel(tmp_path), PictureView(VideoFeed())
    cues = QLabel("Cues")
    cues.setFixedHeight(52)
    page = LivePage(model, theme, picture, cues, window)
    qtbot.addWidget(window)
    window.resize(780, 720)
    page.resize(780, 720)
    window.show()
    qtbot.waitExposed(window)
    return Bench(window, page, model, picture, cues)


def test_the_steps_of_a_session_on_its_way(bench: Bench) -> None:
    bench.model.show(Requesting(), connecting_s=2.0, source_label="api.example.org")
    assert {"Session state: Connecting", "Request session", "Join room", "Wait for avatar"} <= bench.names()
    assert "Connecting to api.example.org" in bench.texts()
    assert "2 s" in bench.texts()
    bench.model.show(Joining(GRANT))
    assert {"Request session, done", "Join room", "Wait for avatar"} <= bench.names()
    bench.model.show(Waiting(GRANT))
    assert {"Session state: Waiting", "Join room, done", "Wait for avatar"} <= bench.names()
    bench.button("Cancel").click()
    assert bench.model.asked == [("end",)]
    bench.model.live()
    assert not any(mark.isVisible() for mark in bench.page.findChildren(StepMark))


def test_told_to_wait_it_says_how_long(bench: Bench) -> None:
    bench.model.show(Requesting(retry_in_s=4.0))
    assert "Atlas is busy: next try in 4 s" in bench.names()
    bench.model.show(bench.model.snapshot.state, connecting_s=3.0)
    assert "Atlas is busy: next try in 1 s" in bench.names()
    bench.model.show(bench.model.snapshot.state, connecting_s=4.5)
    assert "Request session" in bench.names()
    bench.model.show(Requesting(retry_in_s=4.0), connecting_s=5.0)
    assert "Atlas is busy: next try in 4 s" in bench.names()


def test_a_late_avatar_is_asked_about(bench: Bench) -> None:
    bench.model.show(Waiting(GRANT), waited_s=21.0)
    assert "The avatar has not appeared" in bench.texts()
    assert "billed" in bench.texts()
    bench.button("Keep waiting").click()
    bench.button("End session").click()
    assert bench.model.asked == [("keep_waiting",), ("end",)]


def test_an_avatar_that_has_left_is_asked_about(bench: Bench) -> None:
    bench.model.live(gone_s=19.9, frozen=True)
    assert "The avatar has left" not in bench.texts()
    bench.model.live(gone_s=21.0, frozen=True)
    assert "The avatar has left" in bench.texts()
    assert "billed" in bench.texts()
    assert not any("stopped" in name for name in bench.names())
    bench.button("Wait").click()
    bench.button("Start anew").click()
    card = bench.button("Wait").parentWidget()
    assert card is not None
    end = next(b for b in card.findChildren(QAbstractButton) if b.accessibleName() == "End session")
    end.click()
    assert bench.model.asked == [("keep_waiting",), ("start_anew",), ("end",)]


def test_what_is_written_without_an_avatar_is_said_to_be_kept(bench: Bench) -> None:
    bench.model.live(gone_s=21.0, billed=False)
    assert "What you write is kept" not in bench.texts()
    assert "billed" not in bench.texts()
    bench.model.live(gone_s=21.0, unsent=1)
    assert "What you write is kept" in bench.texts()


def test_the_focus_does_not_fall_on_the_microphone_when_the_avatar_is_back(bench: Bench) -> None:
    bench.model.live(gone_s=21.0)
    bench.button("Wait").setFocus()
    bench.model.live(gone_s=0.0)
    assert "The avatar has left" not in bench.texts()
    focused = bench.window.focusWidget()
    assert focused is not None
    assert focused.accessibleName() == "Stage"


def test_a_microphone_muted_by_the_room_says_so(bench: Bench) -> None:
    bench.model.live(voice_muted=True)
    assert bench.button("Microphone").toolTip() == "Microphone: muted by the room"


def test_ending_is_said_and_can_not_be_asked_for_twice(bench: Bench) -> None:
    bench.model.show(Ending(Stop()))
    assert "Session state: Ending" in bench.names()
    assert "Ending the session" in bench.texts()
    assert not bench.can_press("End session")


def test_what_a_session_is_and_costs(bench: Bench) -> None:
    bench.model.live(elapsed_s=42.0, cost_usd=0.08, price_per_hour_usd=7.0, rtt_ms=32.0)
    wanted = {"Session state: Live", "Elapsed: 00:42", "Cost: $0.08", "Latency: 32 ms"}
    assert wanted <= bench.names()
    bench.model.live(rtt_ms=0.3)
    assert "Latency: 1 ms" in bench.names()


def test_a_rehearsal_is_unmistakable(bench: Bench) -> None:
    bench.model.live(billed=False)
    assert "Cost: free, a rehearsal on this computer" in bench.names()
    assert not any("$" in name for name in bench.names())


def test_trouble_with_the_picture_is_said_on_the_stage(bench: Bench) -> None:
    bench.model.show(Reconnecting(GRANT, was_live=True))
    assert {"Session state: Reconnecting", "The connection broke. It is being restored…"} <= bench.names()
    bench.model.live(frozen=True)
    assert "The picture has stopped. Waiting for the next one…" in bench.names()
    bench.model.live(frozen=False)
    assert not any("stopped" in name for name in bench.names())


def test_the_bar_shows_what_is_and_asks_for_more(bench: Bench) -> None:
    bench.model.live()
    assert not bench.can_press("Interrupt")
    bench.model.live(speaking=True)
    bench.button("Interrupt").click()
    microphone = bench.button("Microphone")
    microphone.click()
    assert bench.model.asked == [("interrupt",), ("set_microphone", True)]
    assert not microphone.isChecked(), "it waits for the model's answer"
    bench.model.live(microphone_wanted=True, microphone=MicState.ON)
    assert microphone.isChecked()
    bench.button("End session").click()
    assert bench.model.asked[-1] == ("end",)


def test_the_meter_moves_only_while_the_microphone_is_wanted(bench: Bench) -> None:
    meter = bench.page.findChild(LevelIndicator)
    assert isinstance(meter, LevelIndicator)
    bench.model.live()
    bench.model.microphone_level_changed.emit(-12.0)
    assert meter.lit == 0
    bench.model.live(microphone_wanted=True, microphone=MicState.ON)
    bench.model.microphone_level_changed.emit(-12.0)
    loud = meter.lit
    bench.model.microphone_level_changed.emit(-50.0)
    assert 0 <= meter.lit < loud <= 6


def test_a_mode_is_asked_for_and_shown_when_it_holds(bench: Bench) -> None:
    bench.model.live()
    passthrough = bench.button("Passthrough")
    assert isinstance(passthrough, QRadioButton)
    passthrough.click()
    assert bench.model.asked == [("set_mode", Mode.PASSTHROUGH)]
    bench.model.mode_changed.emit(Mode.CONVERSATION)
    assert bench.button("Conversation").isChecked()


def test_a_screen_reader_toggles_and_never_clicks(bench: Bench) -> None:
    bench.model.live()
    bench.button("Passthrough").toggle()
    bench.button("Microphone").toggle()
    assert bench.model.asked == [("set_mode", Mode.PASSTHROUGH), ("set_microphone", True)]
    wanted: list[bool] = []
    bench.page.stage.overlay.transcript_requested.connect(wanted.append)
    bench.button("Transcript").toggle()
    assert wanted == [True]


def test_the_volume_card(bench: Bench, qtbot: QtBot) -> None:
    bench.button("Sound").click()
    slider = bench.window.findChild(QSlider)
    assert isinstance(slider, QSlider)
    assert slider.accessibleName() == "Volume"
    assert slider.value() == bench.model.settings.volume
    slider.setValue(35)
    assert bench.model.asked == [("set_volume", 35)]
    bench.model.volume_changed.emit(35, True)
    assert bench.button("Sound").accessibleDescription() == "Sound: off"
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert not slider.isVisible()


def test_space_on_the_stage_is_push_to_talk(bench: Bench, qtbot: QtBot) -> None:
    bench.model.live()
    bench.window.activateWindow()
    bench.page.setFocus()
    stage = bench.page.focusProxy()
    assert stage is not None
    QTest.keyPress(stage, Qt.Key.Key_Space)
    QTest.keyRelease(stage, Qt.Key.Key_Space)
    assert bench.model.asked == [("set_talking", True), ("set_talking", False)]


@pytest.mark.parametrize("width", [360, 420, 560, 720, 780, 1100])
def test_nothing_overlaps_at_any_width(bench: Bench, width: int) -> None:
    bench.model.live(billed=False, rtt_ms=12.0)
    bench.window.resize(width, 480)
    bench.page.resize(width, 480)
    found = [child for child in bench.page.findChildren(QAbstractButton) if child.isVisible()]
    # One lies on its pill: that is what is pressed.
    buttons = [child for child in found if not isinstance(child, PillButton)]
    pills = [child for child in bench.page.findChildren(QLabel) if child.isVisible()]
    placed = [(w, w.rect().translated(w.mapTo(bench.page, QPoint()))) for w in (*buttons, *pills)]
    for widget, box in placed:
        assert bench.page.rect().contains(box), (widget.accessibleName(), box)
    for number, (one, box) in enumerate(placed):
        for other, beside in placed[number + 1 :]:
            assert not box.intersects(beside), (one.accessibleName(), other.accessibleName())
    (on_pill,) = [child for child in found if isinstance(child, PillButton)]
    latency = next(box for widget, box in placed if widget.accessibleName() == "Latency: 12 ms")
    assert on_pill.rect().translated(on_pill.mapTo(bench.page, QPoint())) == latency


def test_full_screen_is_the_picture_alone(bench: Bench, qtbot: QtBot) -> None:
    bench.model.live()
    bench.page.show_full_screen(True)
    assert bench.button("Full screen").isChecked()
    assert bench.picture.size() == bench.page.size()
    assert bench.cues.isVisible()
    qtbot.waitUntil(lambda: not bench.cues.isVisible(), timeout=HIDE_AFTER_MS + 2000)
    QTest.keyClick(bench.page, Qt.Key.Key_Shift)
    qtbot.waitUntil(bench.cues.isVisible, timeout=1000)
    bench.page.show_full_screen(False)
    assert bench.picture.height() < bench.page.height() - bench.cues.height()


def test_the_chosen_face_is_the_poster(bench: Bench) -> None:
    picture = QImage(64, 64, QImage.Format.Format_RGB32)
    picture.fill(0xFFFFFF)
    bench.model.face_changed.emit(Face("white.png", png_bytes(picture)))
    middle = bench.picture.grab().toImage().pixelColor(bench.picture.rect().center())
    assert 60 < middle.red() < 160, "the face, darkened"


def test_interrupt_keeps_its_word_beside_a_docked_transcript(bench: Bench) -> None:
    bench.model.live(billed=False)
    bench.window.resize(780, 480)
    bench.page.resize(780, 480)
    assert bench.button("Interrupt").width() > 2 * bench.button("Open audio…").height()


def test_the_cost_says_what_it_may_become_and_warns_when_that_is_near(bench: Bench) -> None:
    bench.model.live(cost_usd=0.08, price_per_hour_usd=10.0, allowed_usd=5.0)
    (cost,) = [label for label in bench.page.findChildren(QLabel) if label.accessibleName() == "Cost: $0.08"]
    assert cost.accessibleDescription() == "of $5.00, at $10 per hour"
    calm = cost.grab().toImage()
    bench.model.live(limit_near=True)
    assert cost.accessibleName() == "Cost: $0.08"
    assert cost.grab().toImage() != calm


def test_park_is_for_a_session_that_is_there(bench: Bench) -> None:
    bench.model.show(Requesting())
    assert not bench.can_press("Park")
    bench.model.live(billed=False)
    bench.button("Park").click()
    assert bench.model.asked == [("park",)]
    bench.model.show(Ending(Stop()))
    assert not bench.can_press("Park")


def test_a_parked_stage_says_so_and_goes_on_from_there(bench: Bench) -> None:
    bench.model.live(rtt_ms=32.0, elapsed_s=64.0)
    bench.window.activateWindow()
    summary = Summary("ses_1", Mode.CONVERSATION, True, 64.0, 0.18, None, True, 3)
    bench.model.show(Parked(summary))
    assert {"Session state: Parked", "Cost: about $0.18"} <= bench.names()
    assert not any(name.startswith(("Latency", "Elapsed")) for name in bench.names())
    assert "1 min 04 s" in bench.texts()
    assert "Resumed, it costs $10 per hour" in bench.texts()
    assert bench.page.focusWidget() is bench.button("Resume")
    bench.model.mode_changed.emit(Mode.PASSTHROUGH)
    assert "Resumed, it costs $7 per hour" in bench.texts()
    bench.button("Resume").click()
    assert bench.model.asked == [("resume",)]
    back: list[bool] = []
    bench.page.stage.parked.back_requested.connect(lambda: back.append(True))
    bench.button("Back to start").click()
    assert back == [True]
    bench.button("Resume").setFocus()
    bench.model.show(Requesting())
    assert bench.page.focusWidget() is bench.page.focusProxy()
    assert "Resume" not in {child.accessibleName() for child in visible_buttons(bench)}


def test_a_parked_rehearsal_is_free(bench: Bench) -> None:
    bench.model.show(Parked(Summary("ses_1", Mode.CONVERSATION, False, 64.0, 0.0)), billed=False)
    assert "1 min 04 s · free" in bench.texts()
    assert "$" not in bench.texts()


def test_a_parked_session_whose_end_is_not_sure_says_that(bench: Bench) -> None:
    bench.model.show(Parked(Summary("ses_1", Mode.CONVERSATION, True, 64.0, 0.18, None, False)))
    assert "did not confirm the end of session ses_1" in bench.texts()
    assert "Nothing is billed" not in bench.texts()


def visible_buttons(bench: Bench) -> list[QAbstractButton]:
    return [child for child in bench.page.findChildren(QAbstractButton) if child.isVisible()]


@pytest.mark.parametrize("size", [(360, 480), (780, 480)])
def test_the_parked_card_fits(bench: Bench, size: tuple[int, int]) -> None:
    bench.window.resize(*size)
    bench.page.resize(*size)
    bench.model.show(Parked(Summary("ses_1", Mode.CONVERSATION, True, 64.0, 0.18, None, False)))
    for button in visible_buttons(bench):
        assert bench.page.rect().contains(button.rect().translated(button.mapTo(bench.page, QPoint())))


def test_end_keeps_its_word_beside_a_docked_transcript(bench: Bench) -> None:
    bench.model.live()
    assert bench.button("End session").width() > 80
