"""The price of a session: the service's ``pricing`` text as US dollars an hour."""

import re
from collections.abc import Mapping
from typing import Any, Final

from atlas_desktop.api.response import READ_LIMIT
from atlas_desktop.api.source import Mode
from atlas_desktop.lenient_json import number_of

FALLBACK_PER_HOUR_USD: Final[Mapping[Mode, float]] = {Mode.CONVERSATION: 10.0, Mode.PASSTHROUGH: 7.0}
"""Used where the service states none. Source: the AtlasRenderer page of avatarlayer."""

_CENTS_A_DOLLAR = 100
_HIGHEST_PER_HOUR_USD = 10_000.0
_UNIT_HOURS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600}
_PRICE = re.compile(
    r"""(?xi)
    (?: \$ | usd\s*+\$?+ ) \s*+ (?P<before> \d++ (?:\.\d++)?+ )      # $7, USD 7
      \s*+ (?: / | per | an? ) \s*+ (?P<unit1> h | m(?!onth) | s(?!ession) )
    | (?<![\d.]) (?P<after> \d++ (?:\.\d++)?+ ) \s*+ (?: \$ | usd | dollars? )  # 7 USD
      \s*+ (?: / | per | an? ) \s*+ (?P<unit2> h | m(?!onth) | s(?!ession) )
    """
)
_AMOUNT = re.compile(r"\d+(?:\.\d+)?")


def price_per_hour_usd(pricing: Any, mode: Mode) -> float:
    """Return the price of a session of ``mode``: the service's own when its text is readable, else R's.

    Args:
        pricing: The response's ``pricing``, usually text such as ``$7/hour``; anything is tolerated.
        mode: Whose price counts where the text names several.
    """
    stated = parse_price(pricing, mode)
    return FALLBACK_PER_HOUR_USD[mode] if stated is None else stated


def parse_price(pricing: Any, mode: Mode) -> float | None:
    """Parse ``$7/hour``, ``$0.12 per minute``, ``7 USD/hour``; return ``None`` for anything else."""
    if not isinstance(pricing, str):
        return None
    pricing = pricing[:READ_LIMIT]
    pieces = re.split(r"[,;|\n]", pricing)
    named = [piece for piece in pieces if mode.value in piece.lower()]
    for piece in (*named, pricing):
        match = _PRICE.search(piece)
        if match is not None:
            return _per_hour(match)
    return None


def charged_usd(answer: Mapping[str, Any]) -> float | None:
    """Return the charge in a DELETE's response: deducted cents first, else the estimated cost."""
    cents = number_of(answer.get("credits_deducted_cents"), from_text=True)
    if cents is not None:
        return cents / _CENTS_A_DOLLAR
    estimated = answer.get("estimated_cost")
    if isinstance(estimated, str):
        match = _AMOUNT.search(estimated[:READ_LIMIT])
        return number_of(match.group(), from_text=True) if match else None
    return number_of(estimated)


def _per_hour(match: re.Match[str]) -> float | None:
    amount = float(match["before"] or match["after"])
    unit = (match["unit1"] or match["unit2"]).lower()
    price = amount / _UNIT_HOURS[unit]
    return price if price <= _HIGHEST_PER_HOUR_USD else None
