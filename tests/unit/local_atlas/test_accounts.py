import pytest

from atlas_desktop.local_atlas.rest.accounts import (
    ACTIVE,
    BY_CLIENT,
    BY_LIMIT,
    ENDED,
    PLAY_MONEY_CENTS,
    AccountStore,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> AccountStore:
    return AccountStore(clock)


def test_a_session_is_billed_from_its_making_to_its_end(accounts: AccountStore, clock: Clock) -> None:
    record = accounts.begin("passthrough")
    clock.now_s += 36.0
    assert (record.status, accounts.billed_s(record)) == (ACTIVE, 36.0)
    assert accounts.end(record, BY_CLIENT)
    clock.now_s += 1000.0
    assert (record.status, accounts.billed_s(record), record.ended_by) == (ENDED, 36.0, BY_CLIENT)
    assert accounts.cost_usd(record) == pytest.approx(0.07)
    assert record.deducted_cents == 7
    assert accounts.credit_cents == PLAY_MONEY_CENTS - 7


def test_ending_twice_costs_once(accounts: AccountStore, clock: Clock) -> None:
    record = accounts.begin("conversation")
    clock.now_s += 3600.0
    assert accounts.end(record, BY_CLIENT)
    assert not accounts.end(record, BY_LIMIT)
    assert (record.ended_by, accounts.credit_cents) == (BY_CLIENT, PLAY_MONEY_CENTS - 1000)


def test_nothing_is_billed_beyond_the_longest_duration(accounts: AccountStore, clock: Clock) -> None:
    accounts.terms.max_duration_s = 60.0
    record = accounts.begin("conversation")
    clock.now_s += 61.5
    assert accounts.billed_s(record) == 60.0
    accounts.terms.max_duration_s = None
    endless = accounts.begin("conversation")
    clock.now_s += 1e6
    assert accounts.billed_s(endless) == 1e6


def test_a_started_cent_is_a_cent(accounts: AccountStore) -> None:
    assert [accounts.deduct(usd) for usd in (0.0, 0.0001, 0.01, 0.0100001, 0.07)] == [0, 1, 1, 2, 7]


def test_the_price_at_the_making_counts(accounts: AccountStore, clock: Clock) -> None:
    record = accounts.begin("conversation")
    accounts.terms.prices_per_hour_usd["conversation"] = 1000.0
    clock.now_s += 3600.0
    assert accounts.cost_usd(record) == pytest.approx(10.0)
    assert accounts.terms.pricing_text("passthrough").startswith("$7/hour")
    accounts.terms.pricing = "ask"
    assert accounts.terms.pricing_text("passthrough") == "ask"


def test_a_session_that_never_came_to_be_is_discarded(accounts: AccountStore) -> None:
    accounts.discard(accounts.begin("conversation"))
    assert accounts.sessions == {}
    assert accounts.active == []


def test_ids_have_the_form_of_the_service(accounts: AccountStore) -> None:
    first, second = accounts.begin("conversation"), accounts.begin("conversation")
    assert first.session_id != second.session_id
    for record in (first, second):
        prefix, _, digits = record.session_id.partition("_")
        assert prefix == "ses"
        assert len(digits) == 20
        assert int(digits, 16) >= 0


def test_calls_are_found_by_method_and_end_of_path(accounts: AccountStore) -> None:
    accounts.record_call("POST", "/v1/realtime/session").status = 200
    accounts.record_call("DELETE", "/v1/realtime/session/ses_1")
    assert [call.status for call in accounts.called("POST")] == [200]
    assert [call.status for call in accounts.called("DELETE", "ses_1")] == [0]
    assert accounts.called("DELETE", "ses_2") == []


def test_the_report_is_plain(accounts: AccountStore, clock: Clock) -> None:
    accounts.begin("passthrough")
    accounts.record_call("GET", "/")
    clock.now_s += 1.0
    report = accounts.report()
    assert report["sessions"][0]["billed_seconds"] == 1.0
    assert report["sessions"][0]["status"] == ACTIVE
    assert report["calls"][0]["path"] == "/"
    assert report["terms"]["prices_per_hour_usd"]["passthrough"] == 7.0
