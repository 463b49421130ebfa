"""The model and the key: what a start uses, what its answer means for the key, what is said."""

import asyncio

import keyring.errors
import pytest

from atlas_desktop.errors import NoCreditError, UnauthorizedError, UnreachableError
from atlas_desktop.session.state import Failed
from atlas_desktop.storage.keys import SERVICE
from atlas_desktop.ui.controllers.key_state import KeyKind
from tests.ui.model_bench import (
    KEY,
    Make,
    go_live,
)
from tests.unit.session.fakes import settle
from tests.unit.storage.rings import BrokenRing, MemoryRing


async def test_a_start_without_a_key_says_so_and_offers_the_rehearsal(make_model: Make) -> None:
    bench = make_model()
    await bench.load()
    bench.model.start()
    assert bench.model.snapshot.state_name == "Idle"
    notice = bench.notices["no_key"]
    assert [action.label for action in notice.actions] == ["Rehearse for free"]
    bench.press("no_key")
    await bench.live()
    assert not bench.model.snapshot.billed
    assert bench.atlas.calls == []


async def test_a_key_that_is_refused_is_marked_and_not_kept(make_model: Make) -> None:
    ring = MemoryRing()
    bench = make_model(ring=ring)
    await bench.load()
    bench.model.set_key("ak_wrong")
    bench.atlas.create_errors.append(UnauthorizedError(status=401))
    bench.model.start()
    await bench.over()
    await bench.quiet()
    assert isinstance(bench.model.snapshot.state, Failed)
    assert [state.kind for state in bench.keys] == [KeyKind.CHECKING, KeyKind.REFUSED]
    assert ring.entries == {}


@pytest.mark.parametrize("answer", [None, NoCreditError(status=402)])
async def test_a_pasted_key_is_kept_after_the_first_answer_that_takes_it(
    make_model: Make, answer: Exception | None
) -> None:
    ring = MemoryRing()
    bench = make_model(ring=ring)
    await bench.load()
    bench.model.set_key(' "ak_1"\n')
    bench.atlas.create_errors.extend([answer] if answer else [])
    bench.atlas.create_gate = asyncio.Event()
    bench.model.start()
    await settle(lambda: bench.atlas.calls)
    assert bench.opened[0][1] == "ak_1"
    assert ring.entries == {}
    bench.atlas.create_gate.set()
    await settle(lambda: ring.entries)
    assert list(ring.entries.values()) == ["ak_1"]
    await settle(lambda: bench.model.key_state.kind is KeyKind.KEYRING)


async def test_no_answer_keeps_no_key(make_model: Make) -> None:
    ring = MemoryRing()
    bench = make_model(ring=ring)
    await bench.load()
    bench.model.set_key("ak_1")
    bench.atlas.create_errors.append(UnreachableError())
    bench.model.start()
    await bench.over()
    await bench.quiet()
    assert ring.entries == {}
    assert bench.model.key_state.kind is KeyKind.CHECKING


async def test_a_rehearsal_says_nothing_about_a_pasted_key(make_model: Make) -> None:
    ring = MemoryRing()
    bench = make_model(ring=ring)
    await bench.load()
    bench.model.set_key("ak_never_tried")
    bench.model.rehearse()
    await bench.live()
    await bench.quiet()
    assert ring.entries == {}
    bench.model.end()
    await bench.over()
    bench.rehearsal.atlas.create_errors.append(UnauthorizedError(status=401))
    bench.model.rehearse()
    await bench.over()
    assert bench.model.key_state.kind is KeyKind.CHECKING


async def test_a_key_pasted_after_a_refusal_is_not_refused_by_what_was_before(make_model: Make) -> None:
    bench = make_model()
    await bench.load()
    bench.model.set_key("ak_wrong")
    bench.atlas.create_errors.append(UnauthorizedError(status=401))
    bench.model.start()
    await bench.over()
    bench.model.set_key("ak_right")
    bench.model.set_microphone(True)
    assert bench.model.key_state.kind is KeyKind.CHECKING
    bench.model.start()
    await bench.live()
    assert bench.opened[-1][1] == "ak_right"


async def test_a_locked_keyring_keeps_the_key_for_this_run_and_says_so(make_model: Make) -> None:
    bench = make_model(ring=BrokenRing(keyring.errors.KeyringLocked()))
    await bench.load()
    bench.notices.clear()
    bench.model.set_key("ak_1")
    bench.model.start()
    await bench.live()
    await bench.quiet()
    assert bench.model.key_state.kind is KeyKind.MEMORY
    assert "for this run only" in bench.notices["keyring"].advice


async def test_a_key_of_the_environment_is_used_never_stored_and_never_forgotten(make_model: Make) -> None:
    ring = MemoryRing()
    bench = make_model(ring=ring, environment=KEY)
    await bench.load()
    bench.model.forget_key()
    await go_live(bench)
    await bench.quiet()
    assert bench.opened[0][1] == "ak_environment"
    assert [state.kind for state in bench.keys] == [KeyKind.ENVIRONMENT]
    assert ring.entries == {}


async def test_a_stored_key_can_be_forgotten(make_model: Make) -> None:
    ring = MemoryRing()
    ring.entries[SERVICE, "bench https://api.atlasv1.com"] = "ak_1"
    bench = make_model(ring=ring)
    await bench.load()
    bench.model.forget_key()
    await bench.quiet()
    assert [state.kind for state in bench.keys] == [KeyKind.KEYRING, KeyKind.NONE]
    assert ring.entries == {}


async def test_a_backend_that_is_not_safe_is_refused_in_words(make_model: Make) -> None:
    bench = make_model()
    bench.model.use_backend("http://example.com/atlas", "")
    assert "not an https://" in bench.notices["insecure_address"].title
