"""The requests for an end: every answer counts, also one to an earlier request that comes between two."""

import asyncio

import pytest

from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import RateLimitedError, UnauthorizedError, UnreachableError
from atlas_desktop.guard.termination import EndRequests, RetryPolicy, end_session
from tests.unit.guard.fakes import FakeService, FakeSource

RARELY = RetryPolicy((0.05,), (30.0,))


def requests(service: FakeService, policy: RetryPolicy) -> EndRequests:
    return EndRequests(FakeSource(service), "ses_1", policy)


async def test_an_answer_to_an_earlier_request_ends_the_pause() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    end = requests(service, RARELY)
    assert await end.next() is None
    assert service.end_gate is not None
    service.end_gate.set()
    async with asyncio.timeout(1.0):
        receipt = await end.next()
    assert receipt is not None
    assert receipt.confirmed
    assert service.ends == 1


async def test_an_error_that_comes_to_an_earlier_request_does_not_cut_the_pause_short() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    service.end_outcomes = [UnreachableError()]
    end = requests(service, RetryPolicy((0.05,), (0.3,)))
    assert await end.next() is None
    assert service.end_gate is not None
    service.end_gate.set()
    following = asyncio.ensure_future(end.next())
    await asyncio.sleep(0.05)
    assert service.ends == 1
    receipt = await following
    assert receipt is not None
    assert receipt.confirmed
    assert service.ends == 2


async def test_a_pause_without_requests_in_flight_is_a_pause() -> None:
    service = FakeService(open_sessions=["ses_1"])
    service.end_outcomes = [UnreachableError(), EndReceipt("", confirmed=True)]
    began_s = asyncio.get_running_loop().time()
    assert (await end_session(FakeSource(service), "ses_1", RetryPolicy((0.5,), (0.1,)))).confirmed
    assert asyncio.get_running_loop().time() - began_s >= 0.1


async def test_a_pause_is_cut_short_by_an_urgent_caller() -> None:
    service = FakeService(open_sessions=["ses_1"])
    service.end_outcomes = [EndReceipt("", confirmed=False)]
    end = requests(service, RetryPolicy((0.5,), (0.01,), (600.0,)))
    receipt = await end.next()
    assert receipt is not None
    assert not receipt.confirmed
    following = asyncio.ensure_future(end.next())
    await asyncio.sleep(0)
    end.skip_pauses()
    async with asyncio.timeout(1.0):
        receipt = await following
    assert receipt is not None
    assert receipt.confirmed


async def test_no_more_requests_wait_at_once_than_a_service_can_be_asked_to_bear() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    end = requests(service, RetryPolicy((0.01,), (0.01,)))
    for _ in range(8):
        assert await end.next() is None
    waiting = [task for task in asyncio.all_tasks() if task.get_name() == "guard.end.request"]
    assert len(waiting) <= 4
    end.close()


async def test_the_attempts_of_a_policy_have_an_end() -> None:
    service = FakeService()
    service.end_outcomes = [UnreachableError()] * 10
    receipt = await end_session(FakeSource(service), "ses_1", RetryPolicy((0.5,), (0.01,), max_attempts=3))
    assert not receipt.confirmed
    assert service.ends == 3


async def test_it_gives_up_at_once_when_another_request_makes_no_sense() -> None:
    service = FakeService()
    service.end_outcomes = [UnauthorizedError()]
    assert not (await end_session(FakeSource(service), "ses_1", RetryPolicy())).confirmed
    assert service.ends == 1


async def test_an_attempt_that_times_out_is_followed_by_another() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    assert service.end_gate is not None
    asyncio.get_running_loop().call_later(0.03, service.end_gate.set)
    receipt = await end_session(
        FakeSource(service), "ses_1", RetryPolicy((0.02, 1.0), (0.0,), max_attempts=2)
    )
    assert receipt.confirmed
    assert service.ends == 2


def test_an_end_is_not_put_off_for_as_long_as_a_service_likes() -> None:
    policy = RetryPolicy()
    assert policy.pause_s(0, RateLimitedError(retry_after_s=7.0)) == 7.0
    assert policy.pause_s(0, RateLimitedError(retry_after_s=3600.0)) == 30.0


@pytest.mark.parametrize("attempt", range(20))
def test_it_is_requested_at_least_every_half_minute(attempt: int) -> None:
    policy = RetryPolicy()
    assert policy.pause_s(attempt, UnreachableError()) <= 30.0
    # An attempt that had no answer for its whole time has waited already.
    assert policy.attempt_timeout_s(attempt) + policy.pause_s(attempt, None) <= 30.5


def test_what_says_nothing_about_a_session_is_requested_again_soon() -> None:
    # Behind a hotel's own page, too, a DELETE leaves that soon after the service is back.
    first_s, last_s = RetryPolicy().inconclusive_backoff_s
    assert 5.0 <= first_s <= last_s <= 15.0
