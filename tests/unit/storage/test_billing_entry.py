import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_entry import BillingEntry, Outcome
from atlas_desktop.storage.billing_replay import fold

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BASE = "https://api.example.com"
KEY = "ak_very_secret"


def asked(now: datetime = NOON, **more: Any) -> dict[str, Any]:
    return records.asked("guard1", "atlas", BASE, KEY, Mode.PASSTHROUGH, now) | more


def granted(ask: dict[str, Any], now: datetime = NOON, **more: Any) -> dict[str, Any]:
    grant = SessionGrant("ses_1", "wss://x", "token", max_duration_s=14400, price_per_hour_usd=7.2)
    return records.granted(ask["key"], grant, now) | more


def ended(ask: dict[str, Any], now: datetime, **receipt: Any) -> dict[str, Any]:
    return records.ended(ask["key"], EndReceipt("ses_1", True, **receipt), "asked", 0.5, now)


def only(*lines: dict[str, Any]) -> BillingEntry:
    [entry] = fold(lines)
    return entry


def test_the_life_of_a_session_is_told_by_its_records() -> None:
    ask = asked()
    entry = only(ask)
    assert (entry.outcome, entry.session_id, entry.is_open) == (Outcome.ASKED, "", False)
    entry = only(ask, granted(ask))
    assert (entry.outcome, entry.session_id, entry.is_open) == (Outcome.OPEN, "ses_1", True)
    assert (entry.mode, entry.granted_at, entry.price_per_hour_usd) == (Mode.PASSTHROUGH, NOON, 7.2)
    entry = only(ask, granted(ask), ended(ask, NOON, duration_s=61, cost_usd=0.12))
    assert (entry.outcome, entry.why, entry.duration_s) == (Outcome.ENDED, "asked", 61)
    assert (entry.cost_usd, entry.charged_usd, entry.estimated_usd) == (0.12, 0.12, 0.5)


def test_refused_found_dismissed_and_taken_over() -> None:
    ask = asked()
    assert only(ask, records.refused(ask["key"], "no_credit", NOON)).outcome is Outcome.REFUSED
    entry = only(ask, records.found(ask["key"], "odd id", NOON))
    assert (entry.is_open, entry.session_id, entry.price_per_hour_usd) == (True, "odd id", None)
    assert only(ask, records.dismissed(ask["key"], NOON)).outcome is Outcome.DISMISSED
    assert only(ask, records.taken_over(ask["key"], "guard2", NOON)).guard == "guard2"


def test_neither_key_nor_token_is_in_a_record() -> None:
    ask = asked()
    assert KEY not in json.dumps(ask)
    assert "token" not in json.dumps(granted(ask))
    assert KEY not in repr(only(ask))


@pytest.mark.parametrize(
    ("kind", "address", "secret", "is_it"),
    [
        ("atlas", BASE, KEY, True),
        ("atlas", f"{BASE}/v1/", KEY, True),
        ("atlas", "API.example.com", KEY, True),
        ("atlas", BASE, "ak_other", False),
        ("atlas", BASE, "", False),
        ("atlas", "https://api.example.org", KEY, False),
        ("atlas", "", KEY, False),
        ("backend", BASE, KEY, False),
    ],
)
def test_only_the_same_key_at_the_same_address_made_it(
    kind: str, address: str, secret: str, is_it: bool
) -> None:
    assert only(asked()).matches(kind, address, secret) is is_it


def test_a_fingerprint_tells_nothing_about_two_sessions_of_one_key() -> None:
    assert asked()["fingerprint"] != asked()["fingerprint"]


def test_a_backend_without_a_token_is_known_again() -> None:
    entry = only(backend("https://x.org/api?t=1"))
    assert entry.matches("backend", "https://x.org/api/?t=1", "")
    assert not entry.matches("backend", "https://x.org/api?t=1", "a token")
    assert entry.host == "x.org"


def backend(address: str, **more: Any) -> dict[str, Any]:
    return records.asked("g", "backend", address, "", Mode.CONVERSATION, NOON) | more


@pytest.mark.parametrize(
    ("address", "kept", "is_cut"),
    [
        ("https://x.org/api?token=hush", "https://x.org/api", True),
        ("https://me:hush@x.org/api", "https://x.org/api", True),
        ("https://hush@x.org/a@b?t=hush#hush", "https://x.org/a@b", True),
        ("x.org/api/?token=hush", "x.org/api/", True),
        ("me:hush@x.org/api", "x.org/api", True),
        ("//me:hush@x.org", "//x.org", True),
        ("https://x.org/api#hush", "https://x.org/api", False),
        ("https://x.org/api?", "https://x.org/api", False),
        ("https://x.org/a@b", "https://x.org/a@b", False),
        ("", "", False),
    ],
)
def test_what_may_be_a_secret_in_an_address_is_not_written(address: str, kept: str, is_cut: bool) -> None:
    record = backend(address)
    assert "hush" not in json.dumps(record)
    entry = only(record)
    assert (entry.address, entry.place, entry.is_address_cut) == (kept, kept, is_cut)


def test_a_backend_whose_query_was_not_written_is_known_again() -> None:
    entry = only(backend("https://x.org/api?token=old"))
    for address in ("https://x.org/api?token=new", "https://X.org/api/", "https://me:hush@x.org/api"):
        assert entry.matches("backend", address, "")
    for address in ("https://x.org/other?token=old", "https://y.org/api?token=old", ""):
        assert not entry.matches("backend", address, "")


def test_a_record_of_before_with_a_query_still_matches() -> None:
    old = only({**backend(""), "address": "https://me:pw@x.org/api?token=old"})
    assert old.matches("backend", "https://x.org/api?token=old", "")
    assert old.matches("backend", "https://x.org/api?token=new", "")
    assert not old.matches("backend", "https://y.org/api?token=old", "")
    # It leads there as it stands; nobody is shown more than its place.
    assert (old.address, old.is_address_cut) == ("https://me:pw@x.org/api?token=old", False)
    assert (old.place, old.host) == ("https://x.org/api", "x.org")


def test_an_unreadable_fingerprint_is_nobodys() -> None:
    for odd in ("\ud800", "\x00"):
        assert not only(asked(fingerprint=odd, salt=odd)).matches("atlas", BASE, KEY)
    ask = asked(fingerprint="ü€")
    assert not only(ask).matches("atlas", BASE, KEY)
    del ask["fingerprint"]
    assert not only(ask).matches("atlas", BASE, "")


def test_cost_grows_with_time_until_the_longest_that_the_service_allows() -> None:
    ask = asked()
    entry = only(ask, granted(ask))
    assert entry.cost_by(NOON + timedelta(minutes=30)) == pytest.approx(3.6)
    assert entry.running_s(NOON + timedelta(days=3)) == 14400
    assert only(ask).cost_by(NOON) is None


def limited(ask: dict[str, Any], **more: float | None) -> dict[str, Any]:
    return ask | {"limit_s": 3600.0, "limit_usd": 100.0} | more


def test_the_limits_of_a_session_are_written_where_they_are_some() -> None:
    def made(limits: SpendingLimits) -> dict[str, Any]:
        return records.asked("g", "atlas", BASE, KEY, Mode.CONVERSATION, NOON, limits)

    ask = made(SpendingLimits(session_usd=5.0, session_s=math.inf))
    assert (ask["limit_usd"], ask["limit_s"]) == (5.0, None)
    entry = only(ask, granted(ask, max_duration_s=None))
    assert (entry.limit_usd, entry.limit_s, entry.longest_s) == (5.0, None, 5.0 / 7.2 * 3600)
    ask = asked()
    assert only(ask, granted(ask, max_duration_s=None)).longest_s is None


@pytest.mark.parametrize(
    ("max_s", "limits", "longest_s"),
    [
        (14400.0, {}, 14400.0),  # the service ends it, whatever we allowed
        (1800.0, {}, 1800.0),
        (None, {}, 3600.0),
        (None, {"limit_usd": 3.6}, 1800.0),
        (None, {"limit_usd": None}, 3600.0),
        (None, {"limit_s": None}, 100 / 7.2 * 3600),
        (None, {"limit_s": None, "limit_usd": None}, None),
    ],
)
def test_what_counts_of_one_that_nobody_saw_end_is_bounded(
    max_s: float | None, limits: dict[str, float | None], longest_s: float | None
) -> None:
    ask = limited(asked(), **limits)
    entry = only(ask, granted(ask, max_duration_s=max_s))
    days_later = NOON + timedelta(days=3)
    assert entry.longest_s == pytest.approx(longest_s)
    assert entry.counted_s(days_later) == pytest.approx(longest_s)
    usd = None if longest_s is None else longest_s / 3600 * 7.2
    assert entry.counted_usd(days_later) == pytest.approx(usd)
    over = only(ask, granted(ask, max_duration_s=max_s), records.dismissed(ask["key"], days_later))
    assert over.counted_usd(days_later) == pytest.approx(usd)
    if longest_s is not None:
        assert entry.counted_s(NOON + timedelta(minutes=10)) == 600
    # What is said of a leftover is the most that it may have cost.
    most_s = 14400.0 if max_s == 14400.0 else 3 * 86400.0 if max_s is None else max_s
    assert entry.cost_by(days_later) == pytest.approx(most_s / 3600 * 7.2)


def test_figures_count_as_they_are() -> None:
    ask = limited(asked())
    grant = granted(ask, max_duration_s=None)
    later = NOON + timedelta(hours=30)
    told = only(ask, grant, ended(ask, later, duration_s=9000, cost_usd=18.0))
    assert (told.counted_s(later), told.counted_usd(later)) == (9000, 18.0)
    # It was over when it was asked for, nobody said since when.
    assert only(ask, grant, ended(ask, later)).counted_s(later) == 3600
    bare = asked()
    seen = only(bare, granted(bare, max_duration_s=None), ended(bare, NOON + timedelta(minutes=5)))
    assert seen.counted_s(later) == 300


def test_one_that_was_never_granted_counts_nothing() -> None:
    entry = only(limited(asked()))
    assert (entry.counted_s(NOON), entry.counted_usd(NOON)) == (None, None)


def test_a_clock_set_back_makes_nothing_negative() -> None:
    ask = asked()
    entry = only(ask, granted(ask, NOON - timedelta(hours=2)))
    assert entry.is_open
    assert entry.running_s(NOON - timedelta(hours=5)) == 0.0
    assert entry.cost_by(NOON - timedelta(hours=5)) == 0.0
    over = only(ask, granted(ask), ended(ask, NOON - timedelta(days=1)))
    assert over.running_s(NOON) == 0.0
    assert only(ask, granted(ask), ended(ask, NOON - timedelta(days=1), duration_s=60)).running_s(NOON) == 60


def test_an_end_said_twice_keeps_its_time_and_gains_the_figures() -> None:
    ask = asked()
    later = NOON + timedelta(hours=1)
    entry = only(
        ask,
        granted(ask),
        ended(ask, NOON),
        ended(ask, later, duration_s=5, cost_usd=0.01),
        ended(ask, later, duration_s=9, cost_usd=9),
    )
    assert (entry.ended_at, entry.duration_s, entry.charged_usd) == (NOON, 5, 0.01)


def test_what_is_over_stays_so_and_what_is_open_is_seen() -> None:
    ask = asked()
    end = ended(ask, NOON, duration_s=5)
    assert only(ask, granted(ask), end, granted(ask)).outcome is Outcome.ENDED
    assert only(ask, granted(ask), end, records.dismissed(ask["key"], NOON)).outcome is Outcome.ENDED
    assert only(ask, granted(ask), records.refused(ask["key"], "x", NOON)).outcome is Outcome.OPEN
    # The user said so before the service's answer came.
    assert only(ask, records.dismissed(ask["key"], NOON), granted(ask)).is_open


def test_a_newer_version_is_read_as_far_as_it_is_understood() -> None:
    ask = asked(v=7, mode="hologram", nested={"v": 1}, kind="satellite")
    entry = only(ask, {"v": 7, "event": "paused", "key": ask["key"], "at": "?"}, granted(ask, v=8, tax=1))
    assert (entry.is_open, entry.mode, entry.kind) == (True, Mode.CONVERSATION, "satellite")


def test_a_grant_whose_beginning_was_lost_still_shows() -> None:
    entry = only(granted(asked()))
    assert (entry.is_open, entry.session_id, entry.address, entry.host) == (True, "ses_1", "", "")
    assert not entry.matches("atlas", BASE, KEY)
    assert not entry.matches("atlas", "", "")


@pytest.mark.parametrize("odd", ["yesterday", "", None, 5, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59"])
def test_a_time_that_cannot_be_read_does_not_hide_a_session(odd: object) -> None:
    ask = asked()
    entry = only(ask, granted(ask) | {"at": odd})
    assert entry.is_open
    assert entry.granted_at is not None
    entry.granted_at.astimezone()
    assert 0 <= entry.running_s(NOON) <= 14400


@pytest.mark.parametrize("odd", [math.nan, math.inf, -1, "7", True, 10**400, None, [1]])
def test_figures_that_are_none_are_passed_over(odd: object) -> None:
    ask = asked()
    entry = only(ask, granted(ask, price_per_hour_usd=odd, max_duration_s=odd))
    assert (entry.price_per_hour_usd, entry.max_duration_s) == (None, None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
_EVENTS = st.sampled_from(["asked", "granted", "refused", "ended", "dismissed", "taken_over", "new", 3])


@given(st.lists(st.dictionaries(st.sampled_from([*asked(), *granted(asked()), "why"]), _JSON), max_size=4))
def test_no_record_makes_it_fail(lines: list[dict[str, Any]]) -> None:
    for entry in fold(lines):
        assert entry.running_s(NOON) >= 0
        assert not entry.matches(entry.kind, entry.address, KEY)
        assert isinstance(entry.host, str)


@given(st.lists(st.tuples(_EVENTS, st.dictionaries(st.sampled_from(list(granted(asked()))), _JSON))))
def test_no_event_undoes_an_end(events: list[tuple[Any, dict[str, Any]]]) -> None:
    ask = asked()
    after = [more | {"event": event, "key": ask["key"]} for event, more in events]
    assert fold([ask, granted(ask), ended(ask, NOON), *after])[0].outcome is Outcome.ENDED
