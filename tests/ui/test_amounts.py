"""Money, numbers and times as different locales write them, and as people type them."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QTextLayout, QTextOption, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QLabel
from pytestqt.qtbot import QtBot

from atlas_desktop.errors.guard import CostReachedError, TimeReachedError
from atlas_desktop.errors.room import MessageTooLongError
from atlas_desktop.storage.settings import RANGES, Settings
from atlas_desktop.ui.controllers.notices import error_texts
from atlas_desktop.ui.look.amount_field import AmountField, Unit
from atlas_desktop.ui.look.amounts import (
    clock,
    countdown,
    day,
    duration_words,
    fill,
    hourly,
    money,
    money_affixes,
    number,
    percent,
    short_clock,
    time_of_day,
)
from atlas_desktop.ui.look.theme import Theme
from atlas_desktop.ui.look.typed_numbers import Ambiguous, InputRefusal, read_number
from atlas_desktop.ui.settings_dialog import SettingsDialog
from atlas_desktop.ui.settings_fields import AmountFields
from atlas_desktop.ui.settings_table import LIMITS
from atlas_desktop.ui.start.limits_card import LimitsCard

EVERYWHERE = sorted(
    {
        place.name()
        for place in QLocale.matchingLocales(
            QLocale.Language.AnyLanguage, QLocale.Script.AnyScript, QLocale.Country.AnyCountry
        )
    }
)
SESSION_COST = "A session costs at most"


def speak(name: str) -> None:
    QLocale.setDefault(QLocale(name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("en_US", "$0.08 $1,234.50 $10 $7.50"),
        ("C", "$0.08 $1,234.50 $10 $7.50"),
        ("de_DE", "0,08\u00a0$ 1.234,50\u00a0$ 10\u00a0$ 7,50\u00a0$"),
        ("de_CH", "$\u00a00.08 $\u00a01'234.50 $\u00a010 $\u00a07.50"),
        (
            "ar_EG",
            "\u2067٠٫٠٨\u00a0$\u2069 \u2067١٬٢٣٤٫٥٠\u00a0$\u2069 "
            "\u2067١٠\u00a0$\u2069 \u2067٧٫٥٠\u00a0$\u2069",
        ),
        ("fa_IR", "$\u00a0۰٫۰۸ $\u00a0۱٬۲۳۴٫۵۰ $\u00a0۱۰ $\u00a0۷٫۵۰"),
    ],
)
def test_money_is_written_as_the_locale_writes_it(name: str, words: str) -> None:
    speak(name)
    assert (
        " ".join((money(0.08), money(1234.5), hourly(10), hourly(7.5))).replace("\u202f", "\u00a0") == words
    )


def test_times_and_numbers_have_the_locales_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    speak("fa_IR")
    monkeypatch.setenv("LC_TIME", "fa_IR.UTF-8")
    said = [clock(3725), countdown(51.2), short_clock(12), duration_words(724), duration_words(3725)]
    assert said == ["۱:۰۲:۰۵", "۰:۵۲", "۰:۱۲", "۱۲ min ۰۴ s", "۱ h ۰۲ min"]
    assert [number(0.5, 1), number(12345), number(12345, grouped=True)] == ["۰٫۵", "۱۲۳۴۵", "۱۲٬۳۴۵"]
    assert (percent(80), time_of_day(datetime(2026, 11, 3, 4, 5).astimezone())) == ("۸۰٪", "۰۴:۰۵")


def test_dates_follow_the_locale_of_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = date(2026, 3, 24)
    said = {}
    for name in ("en_US.UTF-8", "de_DE.UTF-8", "ja_JP", "C"):
        monkeypatch.setenv("LC_TIME", name)
        said[name] = day(moment, "d MMM yyyy")
    assert list(said.values()) == ["24 Mar 2026", "24 März 2026", "2026/03/24", "24 Mar 2026"]


def test_errors_say_their_numbers_in_the_locale() -> None:
    speak("de_DE")
    errors = (
        CostReachedError(limit_usd=2.5),
        TimeReachedError(limit_min=90.0),
        MessageTooLongError(length=12345, limit=9),
    )
    titles = [error_texts(error)[0] for error in errors]
    assert [re.sub("[^0-9.,$\u00a0 ]", "", title).strip() for title in titles] == [
        "2,50\u00a0$",
        "90",
        "12.345  9",
    ]
    # The command line and the log say them in English.
    assert str(errors[0]).startswith("The session reached its limit of $2.50")


def test_names_with_braces_and_dollars_are_left_alone() -> None:
    assert fill("{name} is ${usd:.2f}", name="{0} ${usd} %s", usd=2) == "{0} ${usd} %s is $2.00"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.50", 2.5),
        ("2,50", 2.5),
        ("٢٫٥٠", 2.5),
        ("۲٫۵", 2.5),
        ("２．５０", 2.5),
        ("١٢٣٫٤", 123.4),
        ("$5", 5.0),
        ("5 $", 5.0),
        ("5\u00a0$", 5.0),
        ("\u200f٥\u00a0$", 5.0),
        ("US$ 5", 5.0),
        ("5 usd", 5.0),
        ("12.5 min", 12.5),
        ("1 000,50", 1000.5),
        ("1\u00a0000.50", 1000.5),
        ("1\u202f000,50", 1000.5),
        ("1'000.50", 1000.5),
        ("1’000", 1000.0),
        ("1.000,50", 1000.5),
        ("1,000.50", 1000.5),
        ("1٬000٫5", 1000.5),
        ("1.000.000", 1_000_000.0),
        ("1,00,000", 100_000.0),
        ("0,005", 0.005),
        (".5", 0.5),
        ("5,", 5.0),
        ("-3", -3.0),
        ("−3", -3.0),
    ],
)
@pytest.mark.parametrize("point", [".", ",", "٫"])
def test_what_can_mean_one_thing_only_is_read_so_everywhere(text: str, value: float, point: str) -> None:
    assert read_number(text, decimal_point=point, unit=" min") == value


@pytest.mark.parametrize(
    ("text", "point", "found"),
    [
        ("1,000", ".", Ambiguous(1.0, 1000.0)),
        ("1.000", ",", Ambiguous(1.0, 1000.0)),
        ("12.500", ",", Ambiguous(12.5, 12_500.0)),
        ("1,000", "٫", Ambiguous(1.0, 1000.0)),
        # As the locale has it, and the smaller of the two.
        ("1.000", ".", 1.0),
        ("1,000", ",", 1.0),
    ],
)
def test_a_number_that_may_mean_a_thousand_times_as_much_is_asked_about(
    text: str, point: str, found: object
) -> None:
    assert read_number(text, decimal_point=point) == found


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "5 00",
        "1'00",
        "5k",
        "5€",
        "1e3",
        "nan",
        "inf",
        "½",
        "5²",
        "$$5",
        "5..0",
        "1,2,3",
        "5-",
        "--5",
        "1_000",
        "0x10",
        "five",
        ",",
        "9" * 200,
        "5\n5",
        "5;",
        "1 000 00",
        "1,000 000",
        "5. 00",
        "5, 00",
        "5.'00",
        "12. 50",
    ],
)
@pytest.mark.parametrize("point", [".", ","])
def test_what_is_no_number_is_refused(text: str, point: str) -> None:
    assert read_number(text, decimal_point=point) is InputRefusal.NO_NUMBER


@given(some.text("0159., '$-+−٥۵５٫٬\u202f\u00a0\u200eUSDmin½", max_size=9), some.sampled_from(".,٫"))
def test_whatever_is_typed_has_an_answer(text: str, point: str) -> None:
    found = read_number(text, decimal_point=point, unit=" min")
    assert isinstance(found, float | InputRefusal | Ambiguous)


@given(
    some.integers(0, 999_999),
    some.integers(0, 99),
    some.sampled_from(".,٫"),
    some.sampled_from("0٠۰०０"),
    some.sampled_from(["{}", "$ {}", "{} $", "\u200f{}\u00a0US$", " {} min "]),
    some.sampled_from(".,٫"),
)
def test_an_amount_with_cents_is_that_amount_however_it_is_written(
    whole: int, cents: int, mark: str, zero: str, form: str, point: str
) -> None:
    plain = f"{whole}{mark}{cents:02d}"
    text = form.format("".join(chr(ord(zero) + int(one)) if one.isdigit() else one for one in plain))
    assert read_number(text, decimal_point=point, unit="min") == float(f"{whole}.{cents:02d}")


@pytest.mark.parametrize("name", EVERYWHERE)
def test_what_is_shown_is_read_back_in_every_locale(name: str, theme: Theme, qtbot: QtBot) -> None:
    speak(name)
    limits = (-100.0, 10_000.0)
    for unit in (Unit(is_money=True), Unit(suffix=" min", worth=60.0)):
        field = AmountField(theme, limits, "amount", unit)
        qtbot.addWidget(field)
        for amount in (5.0, 2.5, 0.05, 20.0, 1000.0, 1234.56, 9999.0):
            field.setValue(amount)
            shown = field.text()
            assert field.valueFromText(shown) == field.value(), shown
            field.lineEdit().selectAll()
            field.interpretText()
            assert field.value() == pytest.approx(min(amount, field.maximum()), abs=0.005), shown


def limit_of(
    within: QLabel | AmountFields | LimitsCard | SettingsDialog, name: str = SESSION_COST
) -> QDoubleSpinBox:
    return next(one for one in within.findChildren(QDoubleSpinBox) if one.accessibleName() == name)


def type_in(field: QDoubleSpinBox, text: str) -> None:
    field.lineEdit().selectAll()
    field.lineEdit().insert(text)


def refusals(fields: AmountFields | LimitsCard | SettingsDialog) -> list[str]:
    return [
        one.text() for one in fields.findChildren(QLabel) if one.text().startswith("“") and one.isVisible()
    ]


@pytest.mark.parametrize("name", ["en_US", "de_DE", "de_CH", "fr_FR", "ar_EG", "fa_IR", "hi_IN", "C"])
def test_limits_left_alone_are_not_changed(name: str, theme: Theme, qtbot: QtBot) -> None:
    speak(name)
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    fields.show_settings(Settings())
    assert fields.values() == {}


@pytest.mark.parametrize("name", ["en_US", "de_DE", "de_CH", "fr_FR", "ar_EG", "fa_IR", "hi_IN", "C"])
@pytest.mark.parametrize("text", ["2.50", "2,50", "٢٫٥٠", "$2.5", "2,5 $", "2.50\u00a0$", "۲٫۵۰"])
def test_a_limit_is_what_was_typed_in_any_locale(name: str, text: str, theme: Theme, qtbot: QtBot) -> None:
    speak(name)
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    fields.show_settings(Settings())
    type_in(limit_of(fields), text)
    assert fields.values() == {"limit_session_usd": 2.5}
    assert not fields.take_refusal()


def test_the_wheel_over_a_limit_changes_nothing(theme: Theme, qtbot: QtBot) -> None:
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    fields.show_settings(Settings())
    fields.show()
    fields.activateWindow()
    field = limit_of(fields)
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    spot = QPointF(field.rect().center())
    nothing, moves = QPoint(), QPoint(0, 120)
    up = QWheelEvent(
        spot,
        field.mapToGlobal(spot),
        nothing,
        moves,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, up)
    assert fields.values() == {}
    assert not up.isAccepted()


def test_a_page_up_or_down_is_the_pages_and_arrow_keys_are_the_amounts(theme: Theme, qtbot: QtBot) -> None:
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    fields.show_settings(Settings())
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
        QTest.keyClick(limit_of(fields), key)
    assert fields.values() == {}
    QTest.keyClick(limit_of(fields), Qt.Key.Key_Up)
    assert fields.values() == {"limit_session_usd": 6.0}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("de_DE", "1.000", "1,00 and as 1000,00"),
        ("en_US", "1,000", "1.00 and as 1000.00"),
        ("en_US", "5k", "no number"),
        ("en_US", "0", "at least $0.05"),
        ("de_DE", "5000", "at most 1.000,00\u00a0$"),
        ("en_US", "-5", "at least"),
    ],
)
def test_what_is_not_taken_is_said_and_the_limit_stays(
    name: str, text: str, words: str, theme: Theme, qtbot: QtBot
) -> None:
    speak(name)
    fields = AmountFields(theme, LIMITS, Settings())
    qtbot.addWidget(fields)
    fields.show_settings(Settings())
    fields.show()
    type_in(limit_of(fields), text)
    assert fields.values() == {}
    (said,) = refusals(fields)
    assert said.startswith(f"“{text}”")
    assert words in said
    assert fields.take_refusal()
    QTest.keyClicks(limit_of(fields), "4")
    assert refusals(fields) == []


def test_a_session_does_not_start_on_a_limit_that_was_not_taken(theme: Theme, qtbot: QtBot) -> None:
    card = LimitsCard(theme)
    qtbot.addWidget(card)
    card.show_settings(Settings())
    card.show()
    accepted: list[object] = []
    card.accepted.connect(accepted.append)
    type_in(limit_of(card), "1,000")
    card.accept()
    assert accepted == []
    assert len(refusals(card)) == 1
    # It was seen; the limit that is shown again holds.
    card.accept()
    assert accepted == [{}]


def test_the_settings_stay_open_on_a_limit_that_was_not_taken(theme: Theme, qtbot: QtBot) -> None:
    dialog = SettingsDialog(theme, Settings())
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    changes: list[object] = []
    dialog.change_requested.connect(changes.append)
    type_in(limit_of(dialog), "1,000")
    type_in(limit_of(dialog, "Speaker delay"), "1,000")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert changes == []
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert not dialog.isVisible()


def test_a_speaker_delay_is_read_as_the_limits_are(theme: Theme, qtbot: QtBot) -> None:
    for name in ("de_DE", "ar_EG"):
        speak(name)
        field = AmountField(theme, RANGES["speaker_delay_ms"], "delay", Unit(suffix=" ms"))
        qtbot.addWidget(field)
        field.show_amount(12.5)
        field.interpretText()
        assert (field.amount, field.is_changed) == (12.5, False)
        type_in(field, "-12.5 ms")
        field.interpretText()
        assert field.amount == -12.5


def test_the_dollar_stands_where_the_locale_has_it() -> None:
    places = {}
    for name in ("en_US", "de_DE", "fa_IR", "ar_EG", "nqo_GN"):
        speak(name)
        places[name] = money_affixes()
    behind, before = ("", "\u00a0$"), ("$\u00a0", "")
    assert list(places.values()) == [("$", ""), behind, before, behind, before]


def seen(text: str, direction: Qt.LayoutDirection) -> str:
    """``text`` as it stands on the screen, from left to right."""
    layout, option = QTextLayout(text), QTextOption()
    option.setTextDirection(direction)
    layout.setTextOption(option)
    layout.beginLayout()
    line = layout.createLine()
    layout.endLayout()
    flags = QTextLayout.GlyphRunRetrievalFlag.RetrieveStringIndexes
    flags |= QTextLayout.GlyphRunRetrievalFlag.RetrieveGlyphPositions
    runs = line.glyphRuns(0, len(text), flags)
    signs = [sign for run in runs for sign in zip(run.positions(), run.stringIndexes(), strict=True)]
    order = [text[index] for _spot, index in sorted(signs, key=lambda sign: sign[0].x())]
    return "".join(sign for sign in order if not 0x2066 <= ord(sign) <= 0x2069)


def test_an_amount_among_words_is_one_piece_in_either_direction(theme: Theme) -> None:
    speak("ar_EG")
    price, both = f"{hourly(10)} per hour", f"{money(0.08)} of {money(5)}"
    left, right = Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft
    assert seen(price, right) == "per hour $\u00a0١٠"
    assert seen(price, left) == "$\u00a0١٠ per hour"
    assert seen(both, right) == "$\u00a0٥٫٠٠ of $\u00a0٠٫٠٨"
    assert seen(both, left) == "$\u00a0٠٫٠٨ of $\u00a0٥٫٠٠"
