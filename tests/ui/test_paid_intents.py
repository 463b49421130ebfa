"""All that spends money, and that none of it is the target of a press that can't have been meant for it."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.errors import CostReachedError, GuardDownError, JournalError, NoCapacityError
from atlas_desktop.media.feeds import VideoFeed
from atlas_desktop.session.state import Ended, Failed, Idle, Live, Parked, SessionState, Summary, Waiting
from atlas_desktop.storage.settings import ThemeChoice
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.controllers.notices import Notice, NoticeAction, Severity
from atlas_desktop.ui.drops.drop_plan import DropPlan
from atlas_desktop.ui.live.live_page import LivePage
from atlas_desktop.ui.look.press_guard import CLICK_AFTER_S, KEY_AFTER_S
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.model import AppModel
from atlas_desktop.ui.notice_strip import ActionButton, NoticeStrip
from atlas_desktop.ui.talk.transcript_pane import TranscriptPane
from atlas_desktop.ui.window import MainWindow
from atlas_desktop.ui.wiring import WindowWiring
from atlas_desktop.video.picture_view import PictureView
from tests.ui.billing_fakes import FakeGuard
from tests.ui.driven_model import DrivenModel
from tests.ui.model_bench import KEY, Make, ModelBench, drop, go_live, make_files
from tests.ui.press_clock import PressClock
from tests.unit.session.fakes import settle

BY_BUTTON = {"start", "start_again", "resume", "keep_waiting", "start_anew"}
BY_NOTICE = {"switch_mode"}
"""Asked only by a notice's button; other buttons of the kind lead past the model, to the session's limits."""

Press = Callable[[QAbstractButton], None]

SPENDING = ("resume", "switch_mode", "keep_waiting", "start_anew", "extend")
LEAVING = ("end", "end_again", "park")
NOT_INTENTS = {"load", "aclose", "rehearse"}
SUMMARY = Summary("ses_1", Mode.CONVERSATION, True, 724.0, 2.01, 2.01, True, 3)
GRANT = SessionGrant("ses_1", "wss://example.com", "token")


class Spending:
    """Stands before a session. While an intent is tried, it notes what would spend money; nothing is done."""

    def __init__(self, bench: ModelBench, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bench = bench
        self._tried: list[str] | None = None
        for name in ("start", *SPENDING, *LEAVING):
            owner = bench.session.limits if name == "extend" else bench.session
            real = getattr(owner, name)
            monkeypatch.setattr(owner, name, partial(self._stand_before, name, real))

    def _stand_before(self, name: str, real: Callable[..., object], *words: Any, **more: Any) -> object:
        if self._tried is None:
            return real(*words, **more)
        billed = words[0].billed if name == "start" else self._bench.model.snapshot.billed
        if billed and name not in LEAVING:
            self._tried.append(name)
        return None

    def of(self, intent: Callable[[], object]) -> bool:
        """Whether ``intent`` would spend money."""
        tried = self._tried = list[str]()
        intent()
        self._tried = None
        return bool(tried)


def intents_of(model: AppModel, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every public method of the model, with arguments that fit."""
    values: dict[str, object] = {"mode": Mode.PASSTHROUGH, "text": "Hello", "on": True, "volume": 50}
    values |= {"muted": False, "position_s": 1.0, "cue_id": 1, "plan": DropPlan(), "picture": b""}
    values |= {
        "given": [],
        "mode_choices": 0,
        "face": b"",
        "pasted": "ak_other",
        "url": "https://example.com",
        "token": "",
    }
    values |= {"path": folder / "transcript.txt", "error": NoCapacityError()}
    for name, method in vars(AppModel).items():
        if name.startswith("_") or name in NOT_INTENTS or not inspect.isfunction(method):
            continue
        needed = [
            values[parameter.name]
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        ]
        yield name, partial(method, model, *needed)


async def test_these_intents_of_the_model_spend_money_and_no_other(
    keyed: ModelBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another one belongs on a button that ``costs``, and into one of the lists above."""
    spending, found = Spending(keyed, monkeypatch), set[str]()

    def look() -> None:
        found.update(name for name, ask in intents_of(keyed.model, tmp_path) if spending.of(ask))

    await go_live(keyed)
    look()
    keyed.model.park()
    await settle(lambda: isinstance(keyed.model.snapshot.state, Parked))
    look()
    assert found == BY_BUTTON | BY_NOTICE
    assert not spending.of(keyed.model.rehearse)


async def test_the_buttons_of_notices_that_spend_money_say_so(
    make_model: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guard = FakeGuard()
    bench = make_model(environment=KEY, guard=guard)
    guard.source = bench.atlas
    spending = Spending(bench, monkeypatch)
    await bench.load()
    raised: list[Notice] = []
    bench.model.notice_raised.connect(raised.append)
    await go_live(bench)
    await drop(bench, *make_files(tmp_path, "a.wav"))
    bench.model.set_mode(Mode.PASSTHROUGH)
    bench.model.change_settings(limit_session_s=30.0)
    await settle(lambda: "limit" in bench.raised, 3.0)
    bench.model.end()
    await bench.over()
    for error in (GuardDownError(detail="gone"), JournalError(detail="full")):
        bench.atlas.create_errors.append(error)
        bench.model.start()
        await settle(lambda: isinstance(bench.model.snapshot.state, Failed))
    actions = {action.label: action for notice in raised for action in notice.actions}
    costs = {label for label, action in actions.items() if spending.of(action.intent)}
    assert costs == {label for label, action in actions.items() if action.costs}
    assert costs == {
        "Switch to passthrough",
        "Switch to passthrough and play",
        "Extend",
        "Start without the guard",
        "Start without a record",
    }


class Paying:
    """The window with its real pages on a model that writes down."""

    def __init__(self, theme: Theme, qtbot: QtBot, folder: Path) -> None:
        self.window = MainWindow(theme, ())
        self.model = DrivenModel(folder, theme=ThemeChoice.DARK, limits_seen=True, transcript_open=False)
        qtbot.addWidget(self.window, before_close_func=lambda closing: closing.close_for_good())
        wiring = WindowWiring(self.window, self.model, theme)
        stage = LivePage(self.model, theme, PictureView(VideoFeed()), QLabel("Cues"))
        wiring.join_live(stage, TranscriptPane(self.model, theme))
        self.window.start_page.key_line.show_state(KeyState(KeyKind.KEYRING))
        self.window.show()

    def enter(self, life: SessionState, **values: object) -> None:
        """Comes from a live session to ``life``, so that its page appears now."""
        self.model.show(Live(GRANT), waited_s=0.0, gone_s=0.0, limit_last=False)
        self.model.clear(*(notice.id for notice in self.window.notices.notices))
        self.model.show(life, **values)
        self.model.asked.clear()

    def buttons(self) -> list[QAbstractButton]:
        found = self.window.findChildren(QAbstractButton)
        return [one for one in found if one.isVisible() and one.isEnabled()]

    def asked(self) -> set[str]:
        return {str(intent[0]) for intent in self.model.asked}


@pytest.fixture
def paying(theme: Theme, qtbot: QtBot, press_clock: PressClock, tmp_path: Path) -> Paying:
    press_clock.stop()
    return Paying(theme, qtbot, tmp_path)


STATES: dict[str, tuple[SessionState, dict[str, object], set[str]]] = {
    "start": (Idle(), {}, {"start"}),
    "ended": (Ended(SUMMARY), {}, {"start_again"}),
    "ended by a limit": (Ended(SUMMARY, CostReachedError(limit_usd=5.0)), {}, {"start_again"}),
    "failed": (Failed(NoCapacityError()), {}, {"start_again"}),
    "parked": (Parked(SUMMARY), {}, {"resume"}),
    "late": (Waiting(GRANT), {"waited_s": 21.0}, {"keep_waiting"}),
    "live": (Live(GRANT), {"limit_last": True, "can_extend": True}, set()),
    "avatar gone": (Live(GRANT), {"gone_s": 21.0}, {"keep_waiting", "start_anew"}),
}


def press_space(button: QAbstractButton) -> None:
    QTest.keyClick(button, Qt.Key.Key_Space)


def press_enter(button: QAbstractButton) -> None:
    QTest.keyClick(button, Qt.Key.Key_Return)


def click(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def double_click(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(button, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)


def command(button: QAbstractButton) -> None:
    QTest.keyClick(button.window(), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("press", "after_s"),
    [
        (press_space, KEY_AFTER_S),
        (press_enter, KEY_AFTER_S),
        (command, KEY_AFTER_S),
        (click, CLICK_AFTER_S),
        (double_click, CLICK_AFTER_S),
    ],
)
def test_no_press_in_a_hurry_spends_money(
    paying: Paying,
    press_clock: PressClock,
    state: str,
    press: Press,
    after_s: float,
) -> None:
    life, values, costly = STATES[state]
    paying.enter(life, **values)
    spent: set[str] = set()
    for number in range(len(paying.buttons())):
        paying.enter(life, **values)
        press(paying.buttons()[number])
        assert paying.asked() & (BY_BUTTON | BY_NOTICE) == set()
        paying.enter(life, **values)
        press_clock.pass_s(after_s)
        press(paying.buttons()[number])
        spent |= paying.asked() & (BY_BUTTON | BY_NOTICE)
    # Enter presses no button by itself on this platform, and Ctrl+Enter waits for nobody.
    if press not in (press_enter, command):
        assert spent == costly


def test_every_paid_intent_has_its_button() -> None:
    assert set.union(*(costly for _, _, costly in STATES.values())) == BY_BUTTON


@pytest.mark.parametrize("press", [press_space, click, double_click])
def test_a_paid_button_of_a_notice_waits_too(
    theme: Theme, qtbot: QtBot, press_clock: PressClock, press: Press
) -> None:
    press_clock.stop()
    strip, pressed = NoticeStrip(theme), list[str]()
    qtbot.addWidget(strip)
    strip.resize(700, 200)
    strip.show()

    def raise_notice(costs: bool) -> QAbstractButton:
        action = NoticeAction("Do it", lambda: pressed.append("done"), costs=costs)
        strip.show_notice(Notice("x", Severity.INFO, "Title", actions=(action,)))
        found = [one for one in strip.findChildren(ActionButton) if one.isVisible()]
        return found[-1]

    press(raise_notice(costs=True))
    assert pressed == []
    press_clock.pass_s(KEY_AFTER_S)
    click(strip.findChildren(ActionButton)[-1])
    assert pressed == ["done"]
    click(raise_notice(costs=False))
    assert pressed == ["done", "done"]
