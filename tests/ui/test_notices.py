import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from atlas_desktop.errors import BugError, NoCapacityError, RateLimitedError, UnreadableAudioError
from atlas_desktop.ui.controllers.notices import Notice, NoticeAction, Severity, notice_of
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.notice_strip import NoticeBar, NoticeStrip


@pytest.fixture
def strip(theme: Theme, qtbot: QtBot) -> NoticeStrip:
    # Held until the end: an intent that knows the strip makes a cycle, and to collect it amid its own
    # paint is fatal.
    strip = NoticeStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(800, 600)
    return strip


def press(strip: NoticeStrip, name: str) -> None:
    next(button for button in strip.findChildren(QPushButton) if button.accessibleName() == name).click()


def test_error_becomes_notice_with_its_words_filled_in() -> None:
    notice = notice_of(RateLimitedError(retry_after_s=7.0))
    assert (notice.id, notice.severity) == ("rate_limited", Severity.ERROR)
    assert notice.advice == "Atlas asks to wait 7 s."
    assert notice_of(UnreadableAudioError(name="{a}.wav")).title == "{a}.wav holds no sound that can be read"
    assert notice_of(UnreadableAudioError(name="a")).severity is Severity.WARN
    assert notice_of(BugError(where="x")).severity is Severity.ERROR


def test_same_id_takes_the_place(strip: NoticeStrip) -> None:
    strip.show_notice(Notice("a", Severity.INFO, "First"))
    strip.show_notice(Notice("b", Severity.WARN, "Second"))
    strip.show_notice(Notice("a", Severity.ERROR, "First, again"))
    assert {notice.title for notice in strip.notices} == {"First, again", "Second"}
    assert strip.isVisible()


def test_clearing_the_last_takes_the_room_away(strip: NoticeStrip) -> None:
    strip.show_notice(Notice("a", Severity.INFO, "First"))
    strip.clear_notice("another")
    assert strip.isVisible()
    strip.clear_notice("a")
    assert strip.notices == ()
    assert not strip.isVisible()


def test_accessible_name_carries_the_words_and_html_stays_text(strip: NoticeStrip) -> None:
    strip.show_notice(Notice("a", Severity.WARN, "<b>x</b>.wav is empty", "Nothing was said"))
    names = [label.accessibleName() for label in strip.findChildren(QLabel)]
    assert "Notice: <b>x</b>.wav is empty. Nothing was said" in names


def test_action_calls_its_intent_once_and_goes(strip: NoticeStrip) -> None:
    calls: list[str] = []

    def again() -> None:
        calls.append("retry")
        strip.show_notice(Notice("no_capacity", Severity.ERROR, "Still none"))

    strip.show_notice(notice_of(NoCapacityError(), NoticeAction("Retry", again)))
    press(strip, "Retry")
    assert calls == ["retry"]
    assert [notice.title for notice in strip.notices] == ["Still none"]


def test_close_button_and_time_take_it_away(strip: NoticeStrip, qtbot: QtBot) -> None:
    strip.show_notice(Notice("a", Severity.INFO, "First"))
    press(strip, "Close notice")
    assert strip.notices == ()
    strip.show_notice(Notice("b", Severity.INFO, "Short", lasts_s=0.02))
    qtbot.waitUntil(lambda: strip.notices == (), timeout=1000)


def test_many_notices_leave_the_page_its_room(strip: NoticeStrip) -> None:
    strip.resize(360, 480)
    for number in range(12):
        strip.show_notice(Notice(str(number), Severity.WARN, f"Notice {number} " * 6, "Advice " * 10))
    shown = [label for label in strip.findChildren(QLabel) if label.isVisible() and label.accessibleName()]
    assert 1 <= len(shown) <= 3
    assert "Notice 11" in shown[-1].text()


@pytest.mark.parametrize(
    ("title", "words"),
    [("Switch?", "Switch? It costs."), ("It waits.", "It waits. It costs."), ("Gone", "Gone. It costs.")],
)
def test_one_stop_between_title_and_advice(strip: NoticeStrip, title: str, words: str) -> None:
    strip.show_notice(Notice("a", Severity.INFO, title, "It costs."))
    assert f"Notice: {words}" in [label.accessibleName() for label in strip.findChildren(QLabel)]


def test_a_notice_that_counts_changes_in_place_and_is_not_read_out_again(
    strip: NoticeStrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[str] = []
    monkeypatch.setattr(NoticeBar, "announce", lambda bar: alerts.append(bar.notice.title))
    calls: list[str] = []
    extend = NoticeAction("Extend", lambda: calls.append("extend"))
    strip.show_notice(Notice("a", Severity.WARN, "0:59", "Soon", (extend,)))
    bar = strip.findChild(NoticeBar)
    strip.change_notice(Notice("a", Severity.WARN, "0:58", "Sooner", (extend,)))
    assert strip.findChild(NoticeBar) is bar
    words = {label.text() for label in strip.findChildren(QLabel)}
    assert {"0:58", "Sooner"} <= words
    assert "Notice: 0:58. Sooner" in {label.accessibleName() for label in strip.findChildren(QLabel)}
    assert alerts == ["0:59"]
    press(strip, "Extend")
    assert calls == ["extend"]


def test_a_notice_that_was_closed_is_not_changed_back(strip: NoticeStrip) -> None:
    strip.show_notice(Notice("a", Severity.WARN, "0:59"))
    press(strip, "Close notice")
    strip.change_notice(Notice("a", Severity.WARN, "0:58"))
    assert strip.notices == ()


def test_other_buttons_make_it_anew(strip: NoticeStrip) -> None:
    strip.show_notice(Notice("a", Severity.WARN, "0:59", actions=(NoticeAction("Extend", print),)))
    strip.change_notice(Notice("a", Severity.WARN, "0:58"))
    assert [notice.title for notice in strip.notices] == ["0:58"]
    assert "Extend" not in {
        found.accessibleName() for found in strip.findChildren(QPushButton) if found.isVisible()
    }
