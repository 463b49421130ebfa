from typing import Any

import pytest

from atlas_desktop.api.pricing import charged_usd, parse_price, price_per_hour_usd
from atlas_desktop.api.source import Mode


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("$7/hour", 7.0),
        ("$10/hour, prorated per second", 10.0),
        ("$7.50 per hour", 7.5),
        ("7 USD/hour", 7.0),
        ("USD 7 / hr", 7.0),
        ("12 dollars an hour", 12.0),
        ("$0.12/min", 7.2),
        ("$0.002 per second", 7.2),
        ("Free for 5 min; then $3/h", 3.0),
    ],
)
def test_prices_are_read(text: str, price: float) -> None:
    assert parse_price(text, Mode.PASSTHROUGH) == pytest.approx(price)


@pytest.mark.parametrize(
    "text", ["", "free", "$7", "$7/month", "$5/session", "€7/hour", "$99999999/hour", None, 7, {}]
)
def test_other_texts_are_no_price(text: Any) -> None:
    assert parse_price(text, Mode.PASSTHROUGH) is None


def test_the_price_of_the_mode_is_found_among_several() -> None:
    text = "$10/hour conversation, $7/hour passthrough"
    assert parse_price(text, Mode.CONVERSATION) == 10.0
    assert parse_price(text, Mode.PASSTHROUGH) == 7.0


def test_without_a_price_the_known_figures_count() -> None:
    assert price_per_hour_usd(None, Mode.CONVERSATION) == 10.0
    assert price_per_hour_usd("ask us", Mode.PASSTHROUGH) == 7.0
    assert price_per_hour_usd("$1/hour", Mode.PASSTHROUGH) == 1.0


def test_deducted_cents_beat_the_estimate() -> None:
    assert charged_usd({"credits_deducted_cents": 8, "estimated_cost": 1}) == 0.08
    assert charged_usd({"estimated_cost": "$0.12"}) == 0.12
    assert charged_usd({"estimated_cost": 0.5}) == 0.5
    assert charged_usd({"estimated_cost": "nothing"}) is None
    assert charged_usd({}) is None
