"""Where paid sessions come from: what is used, what is kept, and what is said of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import keyring.errors
import pytest

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access
from atlas_desktop.api.source import Mode, SessionSource, SourceKind
from atlas_desktop.errors import AppError, InsecureAddressError, NoKeyError, UnauthorizedError
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import SERVICE, KeyStore
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.key_controller import KeyController
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from tests.unit.session.fakes import FakeSource
from tests.unit.storage.rings import BrokenRing, HangingRing, MemoryRing

BASE = "https://api.example.com"
BACKEND = "https://backend.example.com/atlas"
OTHER_BACKEND = "https://other.example.com/atlas"
ENTRY = (SERVICE, f"desk {BASE}")
BACKEND_ENTRY = (SERVICE, f"desk {BACKEND}")
LOCKED = keyring.errors.KeyringLocked()


class CountingRing(MemoryRing):
    """A keyring that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[str] = []

    def set_password(self, service: str, username: str, password: str) -> None:
        self.stored.append(password)
        super().set_password(service, username, password)


class LateRing(MemoryRing):
    """A keyring whose answers come when they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        assert self.released.wait(10)
        return super().get_password(service, username)


class KeyBench:
    """A key controller with a keyring to order, and what it has said."""

    def __init__(
        self, folder: Path, ring: MemoryRing, environment: Environment, backend: str, limit_s: float
    ) -> None:
        self.states: list[KeyState] = []
        self.errors: list[AppError] = []
        self.opened: list[tuple[SourceKind, str, str]] = []
        self.settings = SettingsStore(folder / "settings.json", write_after_s=0.01)
        self.scope = TaskScope("desk", self.errors.append)
        self.controller = KeyController(
            KeyStore("desk", environment.api_key, lambda: ring, limit_s=limit_s),
            environment,
            self.settings,
            backend,
            self.scope,
            self.states.append,
            self.errors.append,
            self.open,
        )

    def open(self, access: Access) -> SessionSource:
        self.opened.append((access.kind, access.secret, access.address))
        return FakeSource()

    async def load(self) -> None:
        self.controller.load()
        await self.scope.join(2.0)

    async def kept(self) -> None:
        """The service took the key that was tried, and the keyring has answered."""
        self.controller.accepted()
        await self.scope.join(2.0)

    async def used(self) -> tuple[SourceKind, str, str]:
        """What the next session is asked for with."""
        await self.controller.source().create(Mode.CONVERSATION, None)
        return self.opened[-1]

    @property
    def kind(self) -> KeyKind:
        return self.controller.state.kind


Make = Callable[..., KeyBench]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[KeyBench] = []

    def make(
        ring: MemoryRing | None = None, backend: str = "", limit_s: float = 0.2, **environment: str
    ) -> KeyBench:
        asked = Environment(**{"api_base": BASE, **environment})
        made.append(KeyBench(tmp_path, ring if ring is not None else MemoryRing(), asked, backend, limit_s))
        return made[-1]

    yield make
    for bench in made:
        await bench.controller.aclose()
        await bench.scope.aclose(1.0)
        bench.settings.close()


async def test_without_key_or_backend_there_is_no_source(make: Make) -> None:
    bench = make()
    await bench.load()
    assert bench.controller.state == KeyState(KeyKind.NONE)
    with pytest.raises(NoKeyError):
        bench.controller.source()


async def test_a_start_before_the_keyring_has_answered_waits_for_it(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_stored"
    bench = make(ring)
    bench.controller.load()
    assert await bench.used() == (SourceKind.ATLAS, "ak_stored", BASE)
    assert bench.kind is KeyKind.KEYRING


async def test_a_start_before_an_empty_keyring_has_answered_fails_then(make: Make) -> None:
    bench = make()
    bench.controller.load()
    with pytest.raises(NoKeyError):
        await bench.used()


@pytest.mark.parametrize("pasted", ["  ak_1 \n", '"ak_1"', "ak_\r\n1", "ATLAS_API_KEY='ak_1'"])
async def test_a_pasted_key_is_stripped_used_at_once_and_kept_only_once_taken(
    make: Make, pasted: str
) -> None:
    ring = MemoryRing()
    bench = make(ring)
    await bench.load()
    bench.controller.enter(pasted)
    assert bench.kind is KeyKind.CHECKING
    assert await bench.used() == (SourceKind.ATLAS, "ak_1", BASE)
    assert ring.entries == {}
    await bench.kept()
    assert ring.entries == {ENTRY: "ak_1"}
    assert bench.states == [KeyState(KeyKind.CHECKING), KeyState(KeyKind.KEYRING)]
    assert bench.errors == []


async def test_nothing_pasted_changes_nothing(make: Make) -> None:
    bench = make()
    await bench.load()
    bench.controller.enter(' "" \n')
    assert bench.states == []


async def test_a_key_pasted_before_the_keyring_answers_is_used(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_old"
    bench = make(ring)
    bench.controller.load()
    bench.controller.enter("ak_new")
    assert await bench.used() == (SourceKind.ATLAS, "ak_new", BASE)
    assert bench.kind is KeyKind.CHECKING


async def test_a_refused_key_is_marked_and_never_kept(make: Make) -> None:
    ring = MemoryRing()
    bench = make(ring)
    await bench.load()
    bench.controller.enter("ak_bad")
    await bench.used()
    bench.controller.refused(UnauthorizedError(status=401))
    assert bench.controller.state == KeyState(KeyKind.REFUSED, "Atlas did not accept the key")
    await bench.kept()
    assert ring.entries == {}
    with pytest.raises(UnauthorizedError):
        bench.controller.source()
    bench.controller.forget()
    with pytest.raises(NoKeyError):
        bench.controller.source()
    bench.controller.enter("ak_good")
    assert (await bench.used())[1] == "ak_good"


async def test_a_key_from_the_environment_is_used_not_stored_and_stays(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_stored"
    bench = make(ring, api_key=" ak_environment\n")
    await bench.load()
    assert bench.controller.state == KeyState(KeyKind.ENVIRONMENT)
    assert await bench.used() == (SourceKind.ATLAS, "ak_environment", BASE)
    await bench.kept()
    bench.controller.forget()
    await bench.scope.join(2.0)
    assert bench.controller.state == KeyState(KeyKind.ENVIRONMENT)
    assert await bench.used() == (SourceKind.ATLAS, "ak_environment", BASE)
    assert ring.entries == {ENTRY: "ak_stored"}


async def test_a_key_pasted_over_that_of_the_environment_is_used_and_can_be_forgotten(make: Make) -> None:
    ring = MemoryRing()
    bench = make(ring, api_key="ak_environment")
    await bench.load()
    bench.controller.enter("ak_pasted")
    assert await bench.used() == (SourceKind.ATLAS, "ak_pasted", BASE)
    await bench.kept()
    assert await bench.used() == (SourceKind.ATLAS, "ak_pasted", BASE)
    bench.controller.forget()
    await bench.scope.join(2.0)
    assert ring.entries == {}
    assert (await bench.used())[1] == "ak_environment"


@pytest.mark.parametrize("ring", [BrokenRing(LOCKED), BrokenRing(keyring.errors.NoKeyringError())])
async def test_without_a_keyring_the_key_holds_for_this_run_and_a_notice_says_so(
    make: Make, ring: MemoryRing
) -> None:
    bench = make(ring)
    bench.controller.enter("ak_1")
    await bench.load()
    await bench.used()
    await bench.kept()
    assert bench.kind is KeyKind.MEMORY
    assert "keyring can't be used" in bench.controller.state.reason
    assert [error.code for error in bench.errors] == ["keyring"]
    assert (await bench.used())[1] == "ak_1"


async def test_a_keyring_that_never_answers_holds_up_nobody(make: Make) -> None:
    ring = HangingRing()
    try:
        bench = make(ring)
        await bench.load()
        assert bench.errors == [], "nothing is lost yet"
        assert "keyring can't be used" in bench.controller.state.reason
        bench.controller.enter("ak_1")
        assert (await bench.used())[1] == "ak_1"
        await bench.kept()
        assert bench.kind is KeyKind.MEMORY
    finally:
        ring.released.set()


async def test_a_key_taken_twice_is_stored_once(make: Make) -> None:
    ring = CountingRing()
    bench = make(ring)
    await bench.load()
    bench.controller.enter("ak_1")
    await bench.used()
    bench.controller.accepted()
    await bench.kept()
    await bench.kept()
    assert ring.stored == ["ak_1"]


async def test_a_key_taken_while_the_keyring_is_still_asked_is_the_newer_one(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_old"
    bench = make(ring)
    bench.controller.load()
    bench.controller.enter("ak_new")
    await bench.used()
    await bench.kept()
    assert ring.entries == {ENTRY: "ak_new"}
    assert (await bench.used())[1] == "ak_new"
    assert bench.kind is KeyKind.KEYRING


async def test_a_key_forgotten_while_it_is_being_stored_stays_forgotten(make: Make) -> None:
    ring = MemoryRing()
    bench = make(ring)
    await bench.load()
    bench.controller.enter("ak_1")
    await bench.used()
    bench.controller.accepted()
    bench.controller.forget()
    await bench.scope.join(2.0)
    assert ring.entries == {}
    assert bench.kind is KeyKind.NONE


@pytest.fixture
def late() -> Iterator[LateRing]:
    """A keyring with a key, which has been asked for nothing yet."""
    ring = LateRing()
    ring.entries[ENTRY] = "ak_stored"
    yield ring
    ring.released.set()


async def load_late(bench: KeyBench, ring: LateRing) -> None:
    """Asks for the key; the answer is on its way."""
    bench.controller.load()
    assert await asyncio.to_thread(ring.asked.wait, 10)


async def test_a_key_that_comes_late_never_goes_to_a_backend_chosen_meanwhile(
    make: Make, late: LateRing
) -> None:
    bench = make(late, limit_s=10.0)
    await load_late(bench, late)
    bench.controller.use_backend(BACKEND, "")
    using = asyncio.ensure_future(bench.used())
    late.released.set()
    assert await using == (SourceKind.BACKEND, "", BACKEND)
    await bench.scope.join(2.0)
    assert await bench.used() == (SourceKind.BACKEND, "", BACKEND)
    assert bench.controller.state == KeyState(KeyKind.BACKEND, backend_url=BACKEND)


async def test_a_token_that_comes_late_is_not_taken_for_a_key(make: Make, late: LateRing) -> None:
    late.entries[BACKEND_ENTRY] = "token"
    bench = make(late, limit_s=10.0)
    bench.settings.change(backend_url=BACKEND)
    await load_late(bench, late)
    bench.controller.use_backend("", "")
    late.released.set()
    await bench.scope.join(2.0)
    assert await bench.used() == (SourceKind.ATLAS, "ak_stored", BASE)


async def test_however_often_the_backend_changes_a_secret_goes_to_its_own_address(
    make: Make, late: LateRing
) -> None:
    """Each answer of a slow keyring comes when another address is in use already."""
    late.entries[BACKEND_ENTRY] = "token"
    late.entries[SERVICE, f"desk {OTHER_BACKEND}"] = "other-token"
    bench = make(late, limit_s=10.0)
    await load_late(bench, late)
    using = []
    for backend in (BACKEND, "", OTHER_BACKEND, "", BACKEND, OTHER_BACKEND, ""):
        bench.controller.use_backend(backend, "")
        using.append(asyncio.ensure_future(bench.used()))
        await asyncio.sleep(0)
    late.released.set()
    await asyncio.gather(*using)
    for backend in (BACKEND, OTHER_BACKEND, "", BACKEND):
        bench.controller.use_backend(backend, "")
        await bench.used()
    secrets = {BASE: "ak_stored", BACKEND: "token", OTHER_BACKEND: "other-token"}
    assert {address for _, _, address in bench.opened} == set(secrets)
    assert all(secret == secrets[address] for _, secret, address in bench.opened)


async def test_a_key_that_was_typed_never_goes_to_a_backend(make: Make) -> None:
    bench = make()
    bench.controller.use_backend(BACKEND, "")
    await bench.scope.join(2.0)
    bench.controller.enter("ak_typed")
    assert await bench.used() == (SourceKind.BACKEND, "", BACKEND)
    bench.controller.use_backend("", "")
    with pytest.raises(NoKeyError):
        await bench.used()


async def test_an_answer_is_about_the_secret_that_was_tried(make: Make) -> None:
    ring = CountingRing()
    bench = make(ring)
    await bench.load()
    bench.controller.enter("ak_1")
    await bench.used()
    bench.controller.use_backend(BACKEND, "token-never-tried")
    await bench.scope.join(2.0)
    await bench.kept()
    assert ring.stored == []
    bench.controller.use_backend("", "")
    await bench.scope.join(2.0)
    bench.controller.enter("ak_2")
    bench.controller.refused(UnauthorizedError(status=401))
    assert bench.kind is KeyKind.CHECKING
    assert (await bench.used())[1] == "ak_2"


async def test_a_key_forgotten_while_it_is_looked_for_stays_forgotten(make: Make, late: LateRing) -> None:
    bench = make(late, limit_s=10.0)
    await load_late(bench, late)
    bench.controller.forget()
    late.released.set()
    await bench.scope.join(2.0)
    assert ENTRY not in late.entries
    assert bench.kind is KeyKind.NONE
    with pytest.raises(NoKeyError):
        bench.controller.source()


async def test_what_is_known_without_the_keyring_is_shown_before_it_answers(
    make: Make, late: LateRing
) -> None:
    """Else the field for the other is shown, and taken away while somebody types there."""
    bench = make(late, limit_s=10.0)
    bench.settings.change(backend_url=BACKEND)
    await load_late(bench, late)
    assert bench.controller.state == KeyState(KeyKind.BACKEND, backend_url=BACKEND)
    bench.controller.use_backend("", "")
    assert bench.kind is KeyKind.NONE


async def test_what_was_asked_of_the_keyring_is_done_before_the_program_goes(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_stored"
    bench = make(ring)
    await bench.load()
    bench.controller.forget()
    await bench.controller.aclose()
    await bench.scope.aclose(1.0)
    assert ring.entries == {}


async def test_a_keyring_that_never_answers_does_not_keep_the_program(make: Make) -> None:
    bench = make(HangingRing())
    bench.controller.load()
    bench.controller.forget()
    async with asyncio.timeout(2.0):
        await bench.controller.aclose()


async def test_a_keyring_that_can_not_forget_is_told(make: Make) -> None:
    bench = make(BrokenRing(LOCKED))
    bench.controller.forget()
    await bench.scope.join(2.0)
    assert [error.code for error in bench.errors] == ["keyring"]


async def test_a_backend_takes_the_keys_place_and_gives_it_back(make: Make) -> None:
    ring = MemoryRing()
    ring.entries[ENTRY] = "ak_stored"
    bench = make(ring)
    await bench.load()
    bench.controller.use_backend(BACKEND + "/", "")
    await bench.scope.join(2.0)
    assert bench.controller.state == KeyState(KeyKind.BACKEND, backend_url=BACKEND)
    assert await bench.used() == (SourceKind.BACKEND, "", BACKEND)
    assert bench.settings.settings.backend_url == BACKEND
    bench.controller.use_backend("", "")
    await bench.scope.join(2.0)
    assert await bench.used() == (SourceKind.ATLAS, "ak_stored", BASE)


async def test_a_backends_token_is_kept_by_its_own_address(make: Make) -> None:
    ring = MemoryRing()
    bench = make(ring)
    bench.controller.use_backend(BACKEND, " 'token-1'")
    await bench.scope.join(2.0)
    assert await bench.used() == (SourceKind.BACKEND, "token-1", BACKEND)
    await bench.kept()
    assert ring.entries == {BACKEND_ENTRY: "token-1"}
    assert bench.kind is KeyKind.BACKEND


async def test_an_address_that_is_not_safe_changes_nothing(make: Make) -> None:
    bench = make()
    with pytest.raises(InsecureAddressError):
        bench.controller.use_backend("http://backend.example.com", "token")
    assert bench.settings.settings.backend_url == ""


@pytest.mark.parametrize("given", [{"backend": BACKEND}, {"backend_url": BACKEND}])
async def test_a_backend_of_this_run_beats_every_key_and_is_not_stored(
    make: Make, given: dict[str, str]
) -> None:
    bench = make(api_key="ak_environment", **given)
    await bench.load()
    assert bench.controller.state == KeyState(KeyKind.BACKEND, backend_url=BACKEND, from_environment=True)
    assert await bench.used() == (SourceKind.BACKEND, "", BACKEND)
    assert bench.settings.settings.backend_url == ""


async def test_one_key_has_one_source_which_is_closed_in_the_end(make: Make) -> None:
    bench = make(api_key="ak_environment")
    await bench.load()
    await bench.used()
    await bench.used()
    assert len(bench.opened) == 1
    bench.controller.enter("ak_other")
    await bench.used()
    assert len(bench.opened) == 2
