import pytest

from atlas_desktop.local_atlas.rest.books import ACTIVE, BY_CLIENT, BY_LIMIT, ENDED, PLAY_MONEY_CENTS, Books


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def books(clock: Clock) -> Books:
    return Books(clock)


def test_a_session_is_billed_from_its_making_to_its_end(books: Books, clock: Clock) -> None:
    entry = books.begin("passthrough")
    clock.now_s += 36.0
    assert (entry.status, books.billed_s(entry)) == (ACTIVE, 36.0)
    assert books.end(entry, BY_CLIENT)
    clock.now_s += 1000.0
    assert (entry.status, books.billed_s(entry), entry.ended_by) == (ENDED, 36.0, BY_CLIENT)
    assert books.cost_usd(entry) == pytest.approx(0.07)
    assert entry.deducted_cents == 7
    assert books.credit_cents == PLAY_MONEY_CENTS - 7


def test_ending_twice_costs_once(books: Books, clock: Clock) -> None:
    entry = books.begin("conversation")
    clock.now_s += 3600.0
    assert books.end(entry, BY_CLIENT)
    assert not books.end(entry, BY_LIMIT)
    assert (entry.ended_by, books.credit_cents) == (BY_CLIENT, PLAY_MONEY_CENTS - 1000)


def test_nothing_is_billed_beyond_the_longest_duration(books: Books, clock: Clock) -> None:
    books.terms.max_duration_s = 60.0
    entry = books.begin("conversation")
    clock.now_s += 61.5
    assert books.billed_s(entry) == 60.0
    books.terms.max_duration_s = None
    endless = books.begin("conversation")
    clock.now_s += 1e6
    assert books.billed_s(endless) == 1e6


def test_a_started_cent_is_a_cent(books: Books) -> None:
    assert [books.deduct(usd) for usd in (0.0, 0.0001, 0.01, 0.0100001, 0.07)] == [0, 1, 1, 2, 7]


def test_the_price_at_the_making_counts(books: Books, clock: Clock) -> None:
    entry = books.begin("conversation")
    books.terms.prices_per_hour_usd["conversation"] = 1000.0
    clock.now_s += 3600.0
    assert books.cost_usd(entry) == pytest.approx(10.0)
    assert books.terms.pricing_text("passthrough").startswith("$7/hour")
    books.terms.pricing = "ask"
    assert books.terms.pricing_text("passthrough") == "ask"


def test_a_session_that_never_came_to_be_is_struck_out(books: Books) -> None:
    books.forget(books.begin("conversation"))
    assert books.sessions == {}
    assert books.active == []


def test_ids_have_the_form_of_the_service(books: Books) -> None:
    first, second = books.begin("conversation"), books.begin("conversation")
    assert first.session_id != second.session_id
    for entry in (first, second):
        prefix, _, digits = entry.session_id.partition("_")
        assert prefix == "ses"
        assert len(digits) == 20
        assert int(digits, 16) >= 0


def test_calls_are_found_by_method_and_end_of_path(books: Books) -> None:
    books.note("POST", "/v1/realtime/session").status = 200
    books.note("DELETE", "/v1/realtime/session/ses_1")
    assert [call.status for call in books.called("POST")] == [200]
    assert [call.status for call in books.called("DELETE", "ses_1")] == [0]
    assert books.called("DELETE", "ses_2") == []


def test_the_report_is_plain(books: Books, clock: Clock) -> None:
    books.begin("passthrough")
    books.note("GET", "/")
    clock.now_s += 1.0
    report = books.report()
    assert report["sessions"][0]["billed_seconds"] == 1.0
    assert report["sessions"][0]["status"] == ACTIVE
    assert report["calls"][0]["path"] == "/"
    assert report["terms"]["prices_per_hour_usd"]["passthrough"] == 7.0
