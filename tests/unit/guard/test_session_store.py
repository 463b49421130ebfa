"""Ends in the store: one for each session, however many ask; persistent, and hurried when somebody waits."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.errors import UnreachableError
from atlas_desktop.storage.billing_entry import asked
from atlas_desktop.storage.billing_replay import fold
from tests.unit.guard.fakes import ADDRESS, KEY, QUICK, StoreBench, settle

SLOW = replace(QUICK, inconclusive_backoff_s=(60.0, 600.0))


@pytest.fixture
def bench(tmp_path: Path) -> StoreBench:
    return StoreBench(tmp_path)


@pytest.fixture
def slow(tmp_path: Path) -> StoreBench:
    return StoreBench(tmp_path, SLOW)


def confirmed(bench: StoreBench) -> list[bool]:
    return [event["receipt"]["confirmed"] for event in bench.published("ended")]


async def test_two_reasons_end_it_once(bench: StoreBench) -> None:
    session = bench.session()
    bench.store.end(session, EndReason.HANG)
    termination = bench.store.end(session, EndReason.LIMIT)
    assert termination is not None
    assert termination.reason is EndReason.HANG
    await bench.store.join()
    assert bench.service.ends == 1
    assert bench.store.is_known(session.name)
    assert bench.store.end(session, EndReason.LIMIT) is None


async def test_each_failed_attempt_is_published(bench: StoreBench) -> None:
    bench.service.end_outcomes = [UnreachableError(), UnreachableError()]
    assert (await bench.store.end_and_wait(bench.session(), EndReason.ASKED)).confirmed
    failures = bench.published("attempt_failed")
    assert [event["error"]["code"] for event in failures] == ["unreachable"] * 2
    assert bench.service.ends == 3


async def test_who_asks_again_hurries_the_next_request(slow: StoreBench) -> None:
    session = slow.session()
    slow.service.end_outcomes = [EndReceipt("ses_1", confirmed=False)]
    assert not (await slow.store.end_and_wait(session, EndReason.ASKED)).confirmed
    async with asyncio.timeout(1.0):
        assert (await slow.store.end_and_wait(session, EndReason.ASKED)).confirmed
    assert slow.service.ends == 2


async def test_an_orphan_that_the_service_says_nothing_about_keeps_no_guard_that_closes(
    slow: StoreBench,
) -> None:
    session = slow.session()
    ask = asked("dead", "atlas", ADDRESS, KEY, Mode.CONVERSATION, slow.clock.wall)
    (session.orphan,) = fold([ask])
    slow.service.end_outcomes = [EndReceipt("ses_1", confirmed=False)] * 2
    slow.store.end_orphan(session)
    await settle(lambda: slow.service.ends)
    await settle(lambda: slow.published("leftover"))
    slow.store.close(EndReason.APP_GONE)
    async with asyncio.timeout(1.0):
        await slow.store.join()
    assert slow.service.ends == 2
    assert not slow.store.is_known(session.name)
    assert (await slow.store.end_and_wait(session, EndReason.ASKED)).confirmed


async def test_who_stops_waiting_does_not_stop_the_termination(bench: StoreBench) -> None:
    bench.service.end_gate = asyncio.Event()
    waiting = asyncio.ensure_future(bench.store.end_and_wait(bench.session(), EndReason.ASKED))
    await settle(lambda: bench.service.ends)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bench.service.end_gate.set()
    await bench.store.join()
    assert bench.service.open_sessions == []


async def test_who_waits_for_an_answer_does_so_for_a_while_and_the_requests_go_on(tmp_path: Path) -> None:
    bench = StoreBench(tmp_path, replace(QUICK, reply_timeout_s=0.05))
    session = bench.session()
    bench.service.end_gate = asyncio.Event()
    assert not (await bench.store.end_and_wait(session, EndReason.ASKED)).confirmed
    assert bench.store.is_known(session.name)
    bench.service.end_gate.set()
    await bench.store.join()
    assert (bench.service.open_sessions, confirmed(bench)) == ([], [True])


async def test_one_of_before_that_had_its_id_is_not_taken_for_it(bench: StoreBench) -> None:
    assert (await bench.store.end_and_wait(bench.session(), EndReason.ASKED)).confirmed
    bench.service.open_sessions = ["ses_1"]
    assert (await bench.store.end_and_wait(bench.session(), EndReason.LIMIT)).confirmed
    assert (bench.service.ends, bench.service.open_sessions) == (2, [])


async def test_what_is_added_while_it_closes_is_ended_at_once(bench: StoreBench) -> None:
    bench.store.close(EndReason.APP_GONE)
    bench.store.add(bench.session())
    await bench.store.join()
    assert (bench.service.open_sessions, bench.store.sessions) == ([], {})
