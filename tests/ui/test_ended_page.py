from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AvatarMissingError, CostReachedError, NoCreditError, UnauthorizedError
from atlas_desktop.session.state import Ended, Failed, Summary
from atlas_desktop.ui.ended_page import EndedPage, Over
from atlas_desktop.ui.look.amounts import clock, duration_words, hourly, money
from atlas_desktop.ui.look.theme import Theme

SUMMARY = Summary("ses_0123456789abcdef0123", Mode.CONVERSATION, True, 724.0, 2.013, 2.01, True, 38)


@pytest.fixture
def page(theme: Theme, qtbot: QtBot) -> EndedPage:
    page = EndedPage(theme)
    qtbot.addWidget(page)
    page.resize(780, 720)
    page.show()
    return page


def card_of(page: EndedPage) -> QWidget:
    card = page.widget()
    assert card is not None
    return card


def words(page: EndedPage, over: Over) -> str:
    page.show_end(over)
    return "\n".join(label.text() for label in card_of(page).findChildren(QLabel))


def names(page: EndedPage) -> set[str]:
    return {label.accessibleName() for label in card_of(page).findChildren(QLabel)}


def buttons(page: EndedPage) -> dict[str, QPushButton]:
    return {found.accessibleName(): found for found in card_of(page).findChildren(QPushButton)}


def test_amounts() -> None:
    assert [duration_words(value) for value in (4, 64, 724, 3725)] == [
        "4 s",
        "1 min 04 s",
        "12 min 04 s",
        "1 h 02 min",
    ]
    assert [clock(value) for value in (42, 3725)] == ["00:42", "1:02:05"]
    assert [money(2.013), hourly(10), hourly(7.5)] == ["$2.01", "$10", "$7.50"]


def test_cost_as_the_service_states_it(page: EndedPage) -> None:
    text = words(page, Ended(SUMMARY))
    assert "12 min 04 s · $2.01" in text
    assert "Charged by Atlas" in text
    assert {"Session state: Ended", "Cost: $2.01", "Mode: Conversation", "Messages: 38"} <= names(page)


def test_our_own_figure_is_called_about(page: EndedPage) -> None:
    text = words(page, Ended(replace(SUMMARY, charged_usd=None)))
    assert "about $2.01" in text
    assert "Charged by Atlas" not in text


def test_rehearsal_is_free(page: EndedPage) -> None:
    text = words(page, Ended(replace(SUMMARY, billed=False, charged_usd=None)))
    assert "12 min 04 s · free" in text
    assert "$" not in text


def test_failed_says_why_and_what_to_do(page: EndedPage, qtbot: QtBot) -> None:
    text = words(page, Failed(NoCreditError()))
    assert "no credit left" in text
    assert "Add credit" in text
    assert "Session state: Failed" in names(page)
    with qtbot.waitSignal(page.start_again_requested, timeout=500):
        buttons(page)["Retry"].click()


@pytest.mark.parametrize(
    "over",
    [Failed(AvatarMissingError(), SUMMARY.session_id, SUMMARY), Ended(replace(SUMMARY, confirmed=False))],
    ids=["failed", "ended"],
)
def test_unconfirmed_end_is_said_with_its_id(page: EndedPage, over: Over) -> None:
    text = words(page, over)
    assert "did not confirm the end of session ses_0123456789abcdef0123" in text
    assert "costs nothing more" not in text


def test_buttons_ask(page: EndedPage, qtbot: QtBot) -> None:
    page.show_end(Ended(SUMMARY))
    for name, signal in (
        ("Start again", page.start_again_requested),
        ("Save transcript…", page.save_requested),
        ("Back to start", page.back_requested),
    ):
        with qtbot.waitSignal(signal, timeout=500):
            buttons(page)[name].click()
    assert page.first_control is buttons(page)["Start again"]


def test_nothing_to_save_without_messages(page: EndedPage) -> None:
    page.show_end(Ended(replace(SUMMARY, messages=0)))
    assert "Save transcript…" not in buttons(page)


def test_card_fits_the_smallest_window(page: EndedPage) -> None:
    page.resize(360, 480)
    page.show_end(Failed(AvatarMissingError(), SUMMARY.session_id, SUMMARY))
    assert card_of(page).width() <= page.viewport().width()


def test_where_trying_again_can_not_help_the_way_back_comes_first(page: EndedPage) -> None:
    page.show_end(Failed(UnauthorizedError(status=401)))
    assert page.first_control is buttons(page)["Back to start"]
    assert "Retry" in buttons(page)
    page.show_end(Failed(NoCreditError()))
    assert page.first_control is buttons(page)["Retry"]


def test_a_session_that_a_limit_ended_is_over_not_broken(page: EndedPage) -> None:
    text = words(page, Ended(SUMMARY, CostReachedError(limit_usd=5.0)))
    assert "The session reached its limit of $5.00" in text
    assert "12 min 04 s · $2.01" in text
    assert "Session state: Ended" in names(page)
    assert page.first_control is buttons(page)["Start again"]


def test_the_history_is_offered_after_a_paid_session(page: EndedPage, qtbot: QtBot) -> None:
    page.show_end(Ended(SUMMARY))
    assert "Sessions and cost" not in buttons(page)
    page.offer_history()
    page.show_end(Ended(replace(SUMMARY, billed=False)))
    assert "Sessions and cost" not in buttons(page)
    page.show_end(Ended(SUMMARY))
    with qtbot.waitSignal(page.history_requested, timeout=500):
        buttons(page)["Sessions and cost"].click()
