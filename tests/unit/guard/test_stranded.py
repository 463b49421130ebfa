"""A session that no guard took: asked about until its end is confirmed, unless another guard has it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.errors import BugError, RateLimitedError, RejectedError, UnreachableError
from atlas_desktop.guard.asking import Patience
from atlas_desktop.guard.lock import GuardLock
from atlas_desktop.guard.stranded import Care, Stranded
from atlas_desktop.storage.billing_entry import Outcome, asked, ended, granted, taken_over
from tests.unit.guard.fakes import ADDRESS, KEY, Clock, FakeJournal, FakeService, FakeSource, settle

NOW = Clock().wall
UNSURE = EndReceipt("", confirmed=False)
PATIENCE = Patience((0.5,), (0.01,), endless=True)
QUICK = Care(lock_s=0.3, look_s=0.01, pauses_s=(0.01, 0.02), in_all_s=5.0, patience=PATIENCE)


class Bench:
    """A journal with one session that was made, a service, and the guard's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "guards"
        self.journal = FakeJournal(folder / "sessions.jsonl")
        self.service = FakeService(open_sessions=["ses_1"])
        self.guard_lives = False
        self.lock = GuardLock(self.folder, "g")
        ask = asked("g", "atlas", ADDRESS, KEY, Mode.CONVERSATION, NOW)
        self.key = ask["key"]
        self.journal.append(ask)
        self.journal.append(granted(self.key, SessionGrant("ses_1", "wss://room", "token"), NOW))

    async def end(self, care: Care = QUICK) -> None:
        stranded = Stranded("g", self.folder, self.journal, self.key, lambda: self.guard_lives, care)
        async with asyncio.timeout(3.0):
            await stranded.end(FakeSource(self.service), "ses_1")

    @property
    def outcome(self) -> Outcome:
        (entry,) = self.journal.entries()
        return entry.outcome


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_it_is_ended_and_written_down(bench: Bench) -> None:
    await bench.end()
    assert (bench.service.ends, bench.outcome) == (1, Outcome.ENDED)
    assert bench.journal.entries()[0].why == "left_open"
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize(
    "outcome",
    [
        UNSURE,
        RejectedError(status=400, detail="no"),
        UnreachableError(),
        RateLimitedError(retry_after_s=0.02),
        BugError(where="here"),
    ],
)
async def test_an_answer_that_does_not_confirm_it_is_not_the_last(
    bench: Bench, outcome: Exception | EndReceipt
) -> None:
    bench.service.end_outcomes = [outcome] * 4
    await bench.end()
    assert (bench.service.ends, bench.outcome) == (5, Outcome.ENDED)


async def test_what_is_never_confirmed_is_left_to_the_journal(bench: Bench) -> None:
    bench.service.end_outcomes = [UNSURE] * 1000
    await bench.end(Care(lock_s=0.1, look_s=0.01, pauses_s=(0.01,), in_all_s=0.2))
    assert bench.service.ends > 3
    assert bench.outcome is Outcome.OPEN
    # Whoever finds it can take it.
    assert bench.lock.take()


async def test_a_guard_that_lives_and_did_not_take_it_is_not_waited_for(bench: Bench) -> None:
    bench.guard_lives = bench.lock.take()
    async with asyncio.timeout(QUICK.lock_s / 2):
        await bench.end()
    assert bench.outcome is Outcome.ENDED
    assert not GuardLock(bench.folder, "g").take()  # it is the guard's still
    assert list(bench.folder.iterdir())


async def test_nobody_is_waited_for_without_end(bench: Bench) -> None:
    assert bench.lock.take()
    await bench.end()
    assert bench.outcome is Outcome.ENDED


async def test_a_lock_that_can_not_be_had_is_not_waited_for(bench: Bench) -> None:
    bench.folder.write_text("in the way")
    async with asyncio.timeout(QUICK.lock_s / 2):
        await bench.end()
    assert bench.outcome is Outcome.ENDED


def take_over(bench: Bench) -> None:
    bench.journal.append(taken_over(bench.key, "another", NOW))


def end_it(bench: Bench) -> None:
    bench.journal.append(ended(bench.key, EndReceipt("ses_1", confirmed=True), "asked", None, NOW))


@pytest.mark.parametrize("do", [take_over, end_it])
async def test_what_somebody_else_has_or_ended_is_left_alone(
    bench: Bench, do: Callable[[Bench], None]
) -> None:
    assert bench.lock.take()
    ending = asyncio.ensure_future(bench.end())
    await asyncio.sleep(0.03)
    do(bench)
    await ending
    assert bench.service.ends == 0


async def test_it_stops_asking_when_somebody_else_has_it(bench: Bench) -> None:
    bench.guard_lives = bench.lock.take()
    bench.service.end_outcomes = [UNSURE] * 1000
    ending = asyncio.ensure_future(bench.end())
    await settle(lambda: bench.service.ends)
    take_over(bench)
    await ending
    assert bench.outcome is Outcome.OPEN


async def test_a_guard_that_dies_meanwhile_leaves_its_lock_to_it(bench: Bench) -> None:
    bench.guard_lives = bench.lock.take()
    bench.service.end_outcomes = [UNSURE] * 1000
    ending = asyncio.ensure_future(bench.end())
    await settle(lambda: bench.service.ends)
    bench.guard_lives = False
    bench.lock.release()
    await asyncio.sleep(0.1)
    assert not bench.lock.take()
    bench.service.end_outcomes.clear()
    await ending
    assert bench.outcome is Outcome.ENDED


async def test_one_that_is_not_recorded_is_ended_all_the_same(bench: Bench) -> None:
    bench.journal.full = True
    await bench.end()
    assert bench.service.ends == 1
