"""A session under its limits: a clock that we turn, and the session's own pulse."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from atlas_desktop.api.guard_protocol import EndReason
from atlas_desktop.api.limits import Bound, SpendingLimits
from atlas_desktop.api.source import EndReceipt, Mode
from atlas_desktop.errors import (
    CostReachedError,
    DayReachedError,
    EndedByServiceError,
    HungError,
    LongestTimeError,
    NobodyThereError,
    RoomLostError,
    SleptError,
    TimeReachedError,
)
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.state import Ended, Failed, Live, Parked
from tests.unit.session.conftest import QUICK
from tests.unit.session.fakes import Bench, FakeReader, FakeSource, live, settle

BEAT_S = 0.3
"""A little more than the session's own."""
PRICE_USD = 7.0


@dataclass
class Clocks:
    boottime_s: float = 5000.0
    awake_s: float = 100.0

    def read_lasting(self) -> float:
        return self.boottime_s

    def read_awake(self) -> float:
        return self.awake_s

    def turn(self, seconds: float) -> None:
        self.boottime_s += seconds
        self.awake_s += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
async def session(bench: Bench, clocks: Clocks) -> AsyncIterator[AtlasSession]:
    dependencies = replace(bench.dependencies(), clock_s=clocks.read_lasting, awake_s=clocks.read_awake)
    session = AtlasSession(dependencies=dependencies, timeouts=QUICK)
    yield session
    await session.aclose(1.0)


async def over(session: AtlasSession) -> Ended:
    async with asyncio.timeout(2):
        life = await session.ended()
    assert isinstance(life, Ended)
    return life


# Limits


async def test_says_what_is_allowed_and_how_much_is_left(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    assert session.snapshot.allowance is None
    await live(session, source)
    clocks.turn(60)
    shown = session.snapshot
    assert shown.allowance is not None
    assert shown.allowance.bound is Bound.SESSION_USD
    assert shown.left_s == pytest.approx(5 / PRICE_USD * 3600 - 60)
    assert shown.allowed_usd == 5.0
    assert (shown.limit_near, shown.limit_last, shown.can_extend) == (False, False, True)
    assert shown.idle_left_s is None


async def test_ends_at_its_limit_within_a_second(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    clocks.turn(5 / PRICE_USD * 3600 - 0.5)
    session.limits.touch()
    await asyncio.sleep(BEAT_S)
    assert session.snapshot.is_live
    assert session.snapshot.limit_last
    clocks.turn(0.6)
    await settle(lambda: source.ends, limit_s=BEAT_S)
    life = await over(session)
    assert isinstance(life.reason, CostReachedError)
    assert session.snapshot.stopped is life.reason
    assert life.summary is not None
    assert (life.summary.charged_usd, life.summary.confirmed) == (0.02, True)
    assert source.open_sessions == []


async def test_the_state_change_says_which_limit(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    told: list[tuple[str, str | None]] = []
    session.on_state_change(lambda state, detail: told.append((state, detail)))
    session.limits.set_spending_limits(SpendingLimits(session_s=60.0))
    await live(session, source)
    clocks.turn(61)
    assert isinstance((await over(session)).reason, TimeReachedError)
    assert [state for state, detail in told if detail and "limit of 1 min" in detail] == ["Ending", "Ended"]


async def test_a_session_is_warned_of_once_a_second_only_in_its_last_minute(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    await settle(lambda: session.snapshot.rtt_ms is not None)
    lefts: list[float | None] = []
    session.on_change(lambda snapshot: lefts.append(snapshot.left_s))
    clocks.turn(0.4)
    await asyncio.sleep(BEAT_S)
    assert lefts == []
    clocks.turn(5 / PRICE_USD * 3600 - 30.0)
    session.limits.touch()
    await settle(lambda: lefts)
    clocks.turn(1.0)
    session.limits.touch()
    await settle(lambda: len(lefts) == 2)


async def test_a_rehearsal_has_no_limits(session: AtlasSession, clocks: Clocks) -> None:
    source = FakeSource(billed=False)
    await live(session, source)
    clocks.turn(10 * 3600)
    clocks.boottime_s += 3600
    session.limits.sleep()
    await asyncio.sleep(BEAT_S)
    assert session.snapshot.is_live
    assert session.snapshot.allowance is None
    assert session.snapshot.idle_left_s is None


async def test_extending_is_told_and_goes_on(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    told: list[tuple[str, SpendingLimits]] = []
    session.limits.on_limits_changed(lambda session_id, limits: told.append((session_id, limits)))
    session.limits.extend()
    await live(session, source)
    clocks.turn(5 / PRICE_USD * 3600 - 5)
    session.limits.touch()
    session.limits.extend()
    clocks.turn(10)
    await asyncio.sleep(BEAT_S)
    assert session.snapshot.is_live
    assert session.snapshot.allowed_usd == 6.25
    assert session.info is not None
    assert told == [(session.info.session_id, SpendingLimits(session_usd=6.25))]


async def test_an_extension_is_for_one_session(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    session.limits.extend()
    session.end()
    await session.ended()
    await live(session, source)
    assert session.snapshot.allowed_usd == 5.0


async def test_other_limits_count_for_the_session_that_runs(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    told: list[SpendingLimits] = []
    session.limits.on_limits_changed(lambda _session_id, limits: told.append(limits))
    session.limits.set_spending_limits(SpendingLimits(session_usd=9.0))
    assert told == []
    await live(session, source)
    clocks.turn(60)
    session.limits.set_spending_limits(SpendingLimits(session_s=50.0))
    assert told == [SpendingLimits(session_s=50.0)]
    assert isinstance((await over(session)).reason, TimeReachedError)


async def test_the_services_time_sets_the_meter_and_the_limit(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    session.limits.set_spending_limits(SpendingLimits(session_s=100.0))
    await live(session, source)
    assert session.info is not None
    clocks.turn(30)
    session.limits.reconcile_duration("ses_other", 90.0)
    assert session.snapshot.elapsed_s == 30.0
    session.limits.reconcile_duration(session.info.session_id, 45.0)
    assert (session.snapshot.elapsed_s, session.snapshot.left_s) == (45.0, 55.0)
    clocks.turn(55)
    assert isinstance((await over(session)).reason, TimeReachedError)


async def test_what_others_spend_meanwhile_brings_the_days_end_nearer(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    session.limits.set_spending_limits(SpendingLimits(session_usd=100.0, session_s=1e6, day_usd=1.0))
    await live(session, source)
    assert session.info is not None
    before_s = session.snapshot.left_s
    assert before_s is not None
    session.limits.update_day("ses_other", 0.9, 80_000.0)
    assert session.snapshot.left_s == before_s
    session.limits.update_day(session.info.session_id, 0.5, 80_000.0)
    assert session.snapshot.left_s == pytest.approx(before_s / 2)
    clocks.turn(before_s / 2 + 1)
    assert isinstance((await over(session)).reason, DayReachedError)


async def test_a_day_that_is_spent_makes_no_session(session: AtlasSession, source: FakeSource) -> None:
    source.create_errors.append(DayReachedError(limit_usd=20.0))
    session.start(source, Mode.CONVERSATION)
    life = await over(session)
    assert isinstance(life.reason, DayReachedError)
    assert life.summary is None
    assert source.ends == 0


# Idle


async def test_asks_whether_anybody_is_there_and_then_ends(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    clocks.turn(601)
    await asyncio.sleep(BEAT_S)
    assert session.snapshot.idle_left_s == 59.0
    clocks.turn(60)
    assert isinstance((await over(session)).reason, NobodyThereError)
    assert source.open_sessions == []


async def test_any_sign_of_life_takes_the_question_back_at_once(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    shown: list[float | None] = []
    session.on_change(lambda snapshot: shown.append(snapshot.idle_left_s))
    for sign in (
        session.limits.touch,
        lambda: session.send_chat("still here"),
        lambda: session.set_microphone(False),
        lambda: session.transcript.put_legacy("s1", "user", "yes", True),
    ):
        clocks.turn(630)
        await settle(lambda: shown and shown[-1] is not None)
        sign()
        assert session.limits.idle_s == 0
        assert shown[-1] is None
        session.limits.extend()


async def test_what_the_agent_writes_is_no_sign_of_the_user(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    clocks.turn(100)
    session.transcript.put_legacy("a1", "agent", "hello?", True)
    assert session.limits.idle_s == 100


async def test_nobody_is_asked_while_something_is_spoken(
    session: AtlasSession, source: FakeSource, clocks: Clocks, bench: Bench
) -> None:
    await live(session, source)
    session.speak(FakeReader())
    clocks.turn(700)
    await asyncio.sleep(BEAT_S)
    assert session.snapshot.is_live
    assert session.limits.idle_s == 0


async def test_a_voice_at_the_microphone_is_a_sign_of_life(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    loudness = [-60.0]
    session.attach_microphone(FakeReader, lambda: loudness[0])
    await live(session, source)
    clocks.turn(300)
    await asyncio.sleep(BEAT_S)
    assert session.limits.idle_s == 300
    loudness[0] = -30.0
    await asyncio.sleep(BEAT_S)
    assert session.limits.idle_s == 0


# Sleep


async def test_a_session_that_slept_is_ended_at_once(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    await live(session, source)
    for _ in range(2):
        clocks.boottime_s += 4.0
        await asyncio.sleep(BEAT_S)
    assert session.snapshot.is_live
    clocks.boottime_s += 5.1
    assert isinstance((await over(session)).reason, SleptError)


async def test_ends_before_the_computer_sleeps(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    session.limits.sleep()
    assert session.snapshot.state_name == "Ending"
    assert isinstance((await over(session)).reason, SleptError)


async def test_no_other_session_begins_while_the_computer_sleeps(
    session: AtlasSession, source: FakeSource
) -> None:
    await live(session, source, Mode.CONVERSATION)
    session.switch_mode(Mode.PASSTHROUGH)
    session.limits.sleep()
    await over(session)
    assert source.calls.count("create") == 1


# The guard


def receipt(session: AtlasSession, **values: object) -> EndReceipt:
    assert session.info is not None
    return EndReceipt(session.info.session_id, **{"confirmed": True, **values})  # type: ignore[arg-type]


async def test_what_the_guard_ended_is_over_here_too(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    told = receipt(session, duration_s=40.0, cost_usd=0.08)
    session.limits.stopped(told.session_id, EndReason.HANG, told)
    life = await over(session)
    assert isinstance(life.reason, HungError)
    assert life.summary is not None
    assert (life.summary.duration_s, life.summary.charged_usd, life.summary.confirmed) == (40.0, 0.08, True)
    assert source.ends == 0


async def test_what_the_guard_could_not_end_is_asked_for_here(
    session: AtlasSession, source: FakeSource
) -> None:
    await live(session, source)
    told = receipt(session, confirmed=False)
    session.limits.stopped(told.session_id, EndReason.LIMIT, told)
    life = await over(session)
    assert isinstance(life.reason, CostReachedError)
    assert source.ends == 1


async def test_the_guards_word_explains_a_room_that_was_lost_just_before(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    source.end_gate = asyncio.Event()
    await live(session, source)
    told = receipt(session)
    bench.room.listener.room_lost("ROOM_DELETED")
    assert isinstance(session.snapshot.error, RoomLostError)
    session.limits.stopped(told.session_id, EndReason.LIMIT, told)
    source.end_gate.set()
    assert isinstance((await over(session)).reason, CostReachedError)


async def test_the_guards_word_comes_after_all_is_over(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    await live(session, source)
    told = receipt(session)
    bench.room.listener.room_lost("ROOM_DELETED")
    assert isinstance(await session.ended(), Failed)
    session.limits.stopped("ses_other", EndReason.HANG, EndReceipt("ses_other", True))
    assert isinstance(await session.ended(), Failed)
    session.limits.stopped(told.session_id, EndReason.HANG, told)
    assert isinstance((await over(session)).reason, HungError)


async def test_a_confirmation_that_comes_late_is_no_reason(
    session: AtlasSession, source: FakeSource, bench: Bench
) -> None:
    source.end_outcomes = [EndReceipt("ses_" + "0" * 19 + "1", confirmed=False)]
    await live(session, source, Mode.CONVERSATION)
    told = receipt(session, duration_s=9.0)
    bench.room.listener.room_lost("SERVER_SHUTDOWN")
    life = await session.ended()
    assert isinstance(life, Failed)
    assert life.session_id == told.session_id
    session.limits.stopped(told.session_id, EndReason.ASKED, told)
    life = session.snapshot.state
    assert isinstance(life, Failed)
    assert life.session_id is None
    assert life.summary is not None
    assert (life.summary.duration_s, life.summary.confirmed) == (9.0, True)


async def test_what_the_guard_says_does_not_stop_a_switch(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source, Mode.CONVERSATION)
    told = receipt(session)
    session.switch_mode(Mode.PASSTHROUGH)
    session.limits.stopped(told.session_id, EndReason.ASKED, told)
    await settle(lambda: session.snapshot.is_live)
    assert session.snapshot.mode is Mode.PASSTHROUGH


async def test_a_session_that_the_service_ended_at_its_longest_time(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    source.max_duration_s = 300.0
    await live(session, source)
    told = receipt(session)
    clocks.turn(100)
    session.limits.stopped(told.session_id, EndReason.SERVICE, told)
    assert isinstance((await over(session)).reason, EndedByServiceError)
    await live(session, source)
    told = receipt(session)
    clocks.turn(298)
    session.limits.stopped(told.session_id, EndReason.SERVICE, told)
    assert isinstance((await over(session)).reason, LongestTimeError)


async def test_says_why_it_ends_while_it_does(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    whys: list[tuple[str, EndReason]] = []
    session.on_state_change(lambda state, _detail: whys.append((state, session.snapshot.end_reason)))
    await live(session, source)
    clocks.turn(9000)
    await over(session)
    assert whys[-2:] == [("Ending", EndReason.LIMIT), ("Ended", EndReason.LIMIT)]
    await live(session, source)
    session.end()
    await session.ended()
    assert whys[-2:] == [("Ending", EndReason.ASKED), ("Ended", EndReason.ASKED)]


# Park and resume


async def test_a_parked_session_goes_on_in_place(
    session: AtlasSession, source: FakeSource, clocks: Clocks
) -> None:
    session.park()
    await live(session, source, Mode.CONVERSATION)
    session.send_chat("hello")
    session.resume()
    session.park()
    life = await session.ended()
    assert isinstance(life, Parked)
    assert life.summary is not None
    assert life.summary.charged_usd == 0.02
    assert source.open_sessions == []
    assert session.snapshot.allowance is None
    clocks.turn(3600)
    clocks.boottime_s += 3600
    await asyncio.sleep(BEAT_S)
    assert isinstance(await session.ended(), Parked)
    session.resume()
    assert await session.wait_live()
    assert source.modes == [Mode.CONVERSATION, Mode.CONVERSATION]
    assert [message.text for message in session.transcript.messages] == ["hello"]
    assert session.limits.idle_s == 0


async def test_another_mode_source_and_microphone_can_be_chosen_while_parked(
    session: AtlasSession, source: FakeSource
) -> None:
    session.attach_microphone(FakeReader)
    await live(session, source, Mode.CONVERSATION)
    session.park()
    await session.ended()
    other = FakeSource()
    session.resume(Mode.PASSTHROUGH, microphone=True, source=other)
    assert await session.wait_live()
    assert other.modes == [Mode.PASSTHROUGH]
    assert session.snapshot.microphone_wanted


async def test_a_start_from_there_begins_anew(session: AtlasSession, source: FakeSource) -> None:
    await live(session, source)
    session.send_chat("hello")
    session.park()
    await session.ended()
    await live(session, source)
    assert len(session.transcript) == 0


async def test_a_rehearsal_can_be_parked_too(session: AtlasSession) -> None:
    source = FakeSource(billed=False)
    await live(session, source)
    session.park()
    assert isinstance(await session.ended(), Parked)
    session.resume()
    await settle(lambda: isinstance(session.snapshot.state, Live))
