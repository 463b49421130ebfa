"""Endings: one for each session, however many ask; patient, and hurried when somebody waits."""

import asyncio
from dataclasses import replace

import pytest

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.orders import Why
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import UnreachableError
from atlas_desktop.guard.asking import Patience
from atlas_desktop.guard.endings import Ending, Endings, Persistence
from tests.unit.guard.fakes import QUICK, Clock, FakeService, held, settle

SLOW = Persistence(QUICK.patience, silence_s=60.0, longest_silence_s=600.0)


class Bench:
    def __init__(self, persistence: Persistence = QUICK) -> None:
        self.service = FakeService(open_sessions=["ses_1"])
        self.answers: list[bool] = []
        self.failures = 0
        self.endings = Endings(self.answered, self.failed, persistence)
        self.held = held(self.service, Clock(), SpendingLimits())

    def answered(self, ending: Ending, receipt: EndReceipt) -> None:
        self.answers.append(receipt.confirmed)

    def failed(self, ending: Ending, receipt: EndReceipt) -> None:
        assert not receipt.confirmed
        self.failures += 1


async def test_two_reasons_end_it_once() -> None:
    bench = Bench()
    bench.endings.begin(bench.held, Why.HANG)
    ending = bench.endings.begin(bench.held, Why.LIMIT)
    assert ending is not None
    assert ending.why is Why.HANG
    await bench.endings.join()
    assert bench.service.ends == 1
    assert bench.held.name in bench.endings
    assert bench.endings.begin(bench.held, Why.LIMIT) is None


async def test_each_failed_try_is_told() -> None:
    bench = Bench()
    bench.service.end_outcomes = [UnreachableError(), UnreachableError()]
    assert (await bench.endings.end(bench.held, Why.ASKED)).confirmed
    assert (bench.failures, bench.answers) == (2, [True])


async def test_who_asks_again_hurries_the_next_try() -> None:
    bench = Bench(SLOW)
    bench.service.end_outcomes = [EndReceipt("ses_1", confirmed=False)]
    assert not (await bench.endings.end(bench.held, Why.ASKED)).confirmed
    async with asyncio.timeout(1.0):
        assert (await bench.endings.end(bench.held, Why.ASKED)).confirmed
    assert bench.answers == [False, True]


async def test_one_that_was_given_up_is_asked_for_no_more_and_can_be_begun_again() -> None:
    bench = Bench(SLOW)
    bench.service.end_outcomes = [EndReceipt("ses_1", confirmed=False)] * 2
    ending = bench.endings.begin(bench.held, Why.LEFT_OPEN)
    assert ending is not None
    await settle(lambda: ending.hopeless)
    ending.give_up()
    await bench.endings.join()
    assert bench.service.ends == 2
    assert bench.held.name not in bench.endings
    assert (await bench.endings.end(bench.held, Why.ASKED)).confirmed


async def test_who_stops_waiting_does_not_stop_the_ending() -> None:
    bench = Bench()
    bench.service.end_gate = asyncio.Event()
    waiting = asyncio.ensure_future(bench.endings.end(bench.held, Why.ASKED))
    await settle(lambda: bench.service.ends)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bench.service.end_gate.set()
    await bench.endings.join()
    assert bench.service.open_sessions == []


async def test_who_waits_for_an_answer_does_so_for_a_while_and_the_asking_goes_on() -> None:
    bench = Bench(replace(QUICK, answer_s=0.05))
    bench.service.end_gate = asyncio.Event()
    assert not (await bench.endings.end(bench.held, Why.ASKED)).confirmed
    assert bench.held.name in bench.endings
    bench.service.end_gate.set()
    await bench.endings.join()
    assert (bench.service.open_sessions, bench.answers) == ([], [True])


async def test_one_of_before_that_had_its_id_is_not_taken_for_it() -> None:
    bench = Bench()
    assert (await bench.endings.end(bench.held, Why.ASKED)).confirmed
    bench.service.open_sessions = ["ses_1"]
    other = held(bench.service, Clock(), SpendingLimits())
    assert (await bench.endings.end(other, Why.LIMIT)).confirmed
    assert (bench.service.ends, bench.service.open_sessions) == (2, [])


def test_it_is_asked_at_least_every_half_minute() -> None:
    patience = Patience(endless=True)
    for attempt in range(20):
        assert patience.pause_s(attempt) <= 30.0
        # A try that had no answer for its whole time has waited already.
        assert patience.attempt_s(attempt) + patience.pause_after_silence_s(attempt) <= 30.5


def test_what_says_nothing_about_a_session_is_asked_again_soon() -> None:
    persistence = Persistence()
    # Behind a hotel's own page, too, a DELETE leaves that soon after the service is back.
    assert 5.0 <= persistence.silence_s <= persistence.longest_silence_s <= 15.0
