"""Asking for an end: every answer counts, also one to an earlier try that comes between two."""

import asyncio

from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import UnreachableError
from atlas_desktop.guard.asking import Patience, end_on_server
from tests.unit.guard.fakes import FakeService, FakeSource, settle

RARELY = Patience((0.05,), (30.0,), endless=True)


async def test_an_answer_to_an_earlier_try_ends_the_pause() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    failures: list[int] = []
    asking = asyncio.ensure_future(
        end_on_server(FakeSource(service), "ses_1", RARELY, lambda: failures.append(1))
    )
    await settle(lambda: failures)
    assert service.end_gate is not None
    service.end_gate.set()
    async with asyncio.timeout(1.0):
        assert (await asking).confirmed
    assert service.ends == 1


async def test_an_error_that_comes_to_an_earlier_try_does_not_cut_the_pause_short() -> None:
    service = FakeService(open_sessions=["ses_1"], end_gate=asyncio.Event())
    service.end_outcomes = [UnreachableError()]
    failures: list[int] = []
    asking = asyncio.ensure_future(
        end_on_server(
            FakeSource(service), "ses_1", Patience((0.05,), (0.3,), endless=True), lambda: failures.append(1)
        )
    )
    await settle(lambda: failures)
    assert service.end_gate is not None
    service.end_gate.set()
    await asyncio.sleep(0.05)
    assert service.ends == 1
    assert (await asking).confirmed
    assert service.ends == 2


async def test_a_pause_without_tries_in_flight_is_a_pause() -> None:
    service = FakeService(open_sessions=["ses_1"])
    service.end_outcomes = [UnreachableError(), EndReceipt("", confirmed=True)]
    began_s = asyncio.get_running_loop().time()
    patience = Patience((0.5,), (0.1,), endless=True)
    assert (await end_on_server(FakeSource(service), "ses_1", patience)).confirmed
    assert asyncio.get_running_loop().time() - began_s >= 0.1
