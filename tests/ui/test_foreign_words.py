"""Words from files, people and strangers on every page and dialog: shown as they stand, never obeyed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop import errors
from atlas_desktop.aio import TaskScope
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionGrant
from atlas_desktop.cues.queue import Cue, CueState
from atlas_desktop.errors import AppError, UnreadableAudioError
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.session.state import Failed, Joining, Live, Parked, Requesting, Summary
from atlas_desktop.sound_client.device_names import DeviceLists, DeviceName
from atlas_desktop.storage.billing_entry import asked, ended, granted
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.settings import Settings
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.controllers.notice_factory import NoticeFactory
from atlas_desktop.ui.controllers.notices import notice_of
from atlas_desktop.ui.cues.cue_strip import CueStrip
from atlas_desktop.ui.drops.drop_overlay import DropContext, DropOverlay, text_for
from atlas_desktop.ui.drops.drop_plan import DropPlan
from atlas_desktop.ui.ended_page import EndedPage
from atlas_desktop.ui.history.history_dialog import HistoryDialog
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.controls import Button, ButtonKind
from atlas_desktop.ui.look.plain_widgets import set_tip, tip_text
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.notice_strip import NoticeStrip
from atlas_desktop.ui.settings_dialog import SettingsDialog
from atlas_desktop.ui.start.start_page import StartPage
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.video.picture_view import PictureView
from tests.stalls import run_in_thread
from tests.ui.driven_model import GRANT, DrivenModel
from tests.ui.widget_walk import HOSTILE, READ, actors, words

PATH = Path("/music") / HOSTILE
SUMMARY = Summary(HOSTILE, Mode.CONVERSATION, True, 12.0, 0.02, None, False, 2)


def kinds(kind: type[AppError] = AppError) -> Iterator[type[AppError]]:
    for below in kind.__subclasses__():
        # Those of other processes and of tests reach no window.
        if below.__module__.startswith(errors.__name__):
            yield below
            yield from kinds(below)


def hostile(kind: type[AppError]) -> AppError:
    """An error of this kind with the worst of words wherever a text can stand."""
    texts = {name: HOSTILE for name, value in kind.defaults.items() if isinstance(value, str)}
    return kind(**texts)


def check(root: QWidget, *, shows: str = READ) -> None:
    assert actors(root) == []
    assert shows in words(root)


def test_the_walk_finds_what_acts(qtbot: QtBot) -> None:
    root = QWidget()
    qtbot.addWidget(root)
    label, button = QLabel("<b>x</b>", root), QPushButton("Q&A", root)
    assert len(actors(root)) == 2
    label.setTextFormat(Qt.TextFormat.PlainText)
    button.setText("Q&&A")
    assert actors(root) == []
    for text in ("<i>x</i>", "a\x1b[31m", "a\u202eb", "&lt;"):
        root.setToolTip(text)
        assert len(actors(root)) == 1, text


@pytest.mark.parametrize("text", ["<b>x</b>.wav", "a &lt; b", "x<br/>y", READ, "plain & simple"])
def test_a_tool_tip_is_plain_text(text: str, theme: Theme, qtbot: QtBot) -> None:
    widget = Button(theme, text, ButtonKind.ROUND, icon="play")
    qtbot.addWidget(widget)
    check(widget, shows=text)
    assert widget.accessibleName() == text
    set_tip(widget, "plain")
    assert widget.toolTip() == tip_text("plain") == "plain"


def test_cues(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    model = DrivenModel(tmp_path, Live(GRANT))
    strip = CueStrip(model, theme)
    qtbot.addWidget(strip)
    broken = UnreadableAudioError(name=HOSTILE)
    model.put(
        Cue(1, PATH, HOSTILE, 12.0, (), CueState.WAITING, None, 0.0),
        Cue(2, PATH, HOSTILE, None, (), CueState.FAILED, broken, 0.0),
    )
    check(strip)


@pytest.mark.parametrize("kind", dict.fromkeys(kinds()))
def test_notices_and_the_end_of_a_session(kind: type[AppError], theme: Theme, qtbot: QtBot) -> None:
    strip, page = NoticeStrip(theme), EndedPage(theme)
    for widget in (strip, page):
        qtbot.addWidget(widget)
    error = hostile(kind)
    strip.show_notice(notice_of(error))
    page.show_end(Failed(error, HOSTILE, SUMMARY))
    assert actors(strip) == []
    check(page)


def test_notices_that_name_files(theme: Theme, qtbot: QtBot) -> None:
    strip, said = NoticeStrip(theme), NoticeFactory()
    qtbot.addWidget(strip)
    for notice in (
        said.not_accepted([HOSTILE] * 5),
        said.no_sound_in([PATH]),
        said.saved(PATH),
        said.settings_damaged(PATH),
    ):
        strip.show_notice(notice)
    check(strip, shows="Transcript saved as")
    strip.show_notice(said.not_saved(PATH, OSError("odd")))
    check(strip, shows="can't be written")


def test_the_start_page(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    page = StartPage(theme, (tmp_path / "<b>odd&.png",))
    qtbot.addWidget(page)
    page.picker.set_face(Face(HOSTILE, b""))
    page.key_line.show_state(KeyState(KeyKind.BACKEND, HOSTILE, f"https://x.example/{READ}"))
    check(page, shows="Face: \u2068Q&A <")


def test_the_stage(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    model, picture = DrivenModel(tmp_path), PictureView(VideoFeed())
    page = LivePage(model, theme, picture, QLabel())
    qtbot.addWidget(page)
    model.show(Requesting(), source_label=HOSTILE)
    check(page)
    model.show(Joining(GRANT))
    model.show(Live(GRANT), source_label=HOSTILE)
    model.show(Parked(SUMMARY))
    check(page)
    picture.detach()


def test_the_transcript(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    model = DrivenModel(tmp_path, Live(GRANT))
    pane = TranscriptPane(model, theme)
    qtbot.addWidget(pane)
    model.say(HOSTILE)
    model.say(HOSTILE, "user")
    check(pane)


def test_the_drop_overlay(theme: Theme, qtbot: QtBot) -> None:
    parent = QWidget()
    overlay = DropOverlay(theme, parent)
    qtbot.addWidget(parent)
    for plan in (
        DropPlan(audio=(PATH, PATH), refused=(HOSTILE,)),
        DropPlan(face=PATH),
        DropPlan(refused=(HOSTILE,)),
    ):
        overlay.show_text(text_for(plan, DropContext(Mode.CONVERSATION)))
        check(parent)


def test_the_settings(theme: Theme, qtbot: QtBot) -> None:
    settings = Settings(speaker_id="gone", speaker_name=HOSTILE)
    lists = DeviceLists()
    two = DeviceName(b"2", f"{HOSTILE} two", False)
    lists.set((DeviceName(b"1", HOSTILE, True), two), (DeviceName(b"3", HOSTILE, True),))
    dialog = SettingsDialog(theme, settings, devices=lists)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    check(dialog)


async def test_the_history(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    journal, now = BillingJournal(tmp_path / "sessions.jsonl"), datetime(2026, 11, 17, 12, tzinfo=UTC)
    record = asked("guard", "atlas", "https://x.example", "ak_key", Mode.CONVERSATION, now, SpendingLimits())
    key = str(record["key"])
    grant, receipt = SessionGrant(HOSTILE, "wss://x", "t", HOSTILE), EndReceipt(HOSTILE, confirmed=True)
    for line in (record, granted(key, grant, now), ended(key, receipt, HOSTILE, None, now)):
        run_in_thread(partial(journal.append, line))
    scope = TaskScope("test")
    dialog = HistoryDialog(journal, theme, scope, now=lambda: now)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.qWaitForWindowActive(dialog)
    await scope.join(5)
    check(dialog, shows="Ended")
    await scope.aclose(1)


def test_every_error_is_met_here() -> None:
    exported = {name for name in vars(errors) if name.endswith("Error")}
    assert {kind.__name__ for kind in kinds()} >= exported - {"AppError"}
