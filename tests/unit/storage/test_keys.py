import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import keyring.errors
import pytest

from atlas_desktop.errors import KeyringError
from atlas_desktop.storage.keys import SERVICE, KeyPlace, KeyStore, clean_key
from tests.desk.bus import session_bus
from tests.desk.keyring import secret_service
from tests.unit.storage.rings import BrokenRing, HangingRing, MemoryRing

BASE = "https://api.example.com"


@pytest.fixture
def hanging() -> Iterator[HangingRing]:
    ring = HangingRing()
    yield ring
    ring.released.set()


@pytest.mark.parametrize(
    ("pasted", "key"),
    [
        ("ak_1234", "ak_1234"),
        ("  ak_1234\r\n", "ak_1234"),
        ('"ak_1234"', "ak_1234"),
        ("“ak_1234”", "ak_1234"),
        ("ak_12\n34", "ak_1234"),
        ("\ufeffak_1234\u200b", "ak_1234"),
        ("ATLAS_API_KEY=ak_1234", "ak_1234"),
        ("export ATLAS_API_KEY='ak_1234'", "ak_1234"),
        ("ak_a+b/c==", "ak_a+b/c=="),
        (" \n", ""),
    ],
)
def test_a_pasted_key_is_cleaned(pasted: str, key: str) -> None:
    assert clean_key(pasted) == key


async def test_a_key_goes_to_the_keyring_and_comes_back_from_another_thread() -> None:
    ring = MemoryRing()
    store = KeyStore("default", open_ring=lambda: ring)
    assert await store.get(BASE) is None
    stored = await store.put(BASE, ' "ak_1" ')
    assert (stored.value, stored.place, stored.problem) == ("ak_1", KeyPlace.KEYRING, None)
    assert ring.entries == {(SERVICE, f"default {BASE}"): "ak_1"}
    assert await store.get(BASE) == stored
    assert threading.current_thread().name not in ring.threads
    assert "ak_1" not in repr(stored)


async def test_profiles_and_addresses_have_keys_of_their_own() -> None:
    ring = MemoryRing()
    one, other = (KeyStore(name, open_ring=lambda: ring) for name in ("one", "other"))
    await one.put(BASE, "ak_1")
    assert await other.get(BASE) is None
    assert await one.get("https://elsewhere.example.com") is None


async def test_forget_removes_it_and_is_no_error_when_there_is_none() -> None:
    ring = MemoryRing()
    store = KeyStore("default", open_ring=lambda: ring)
    await store.put(BASE, "ak_1")
    await store.forget(BASE)
    await store.forget(BASE)
    assert ring.entries == {}
    assert await store.get(BASE) is None


@pytest.mark.parametrize(
    "error",
    [
        keyring.errors.KeyringLocked("no"),
        keyring.errors.NoKeyringError("no"),
        keyring.errors.InitError("no"),
        OSError("no bus"),
        RuntimeError("odd"),
    ],
)
async def test_a_keyring_that_fails_leaves_the_key_in_memory(error: Exception) -> None:
    store = KeyStore("default", open_ring=lambda: BrokenRing(error))
    with pytest.raises(KeyringError):
        await store.get(BASE)
    stored = await store.put(BASE, "ak_1")
    assert stored.place is KeyPlace.MEMORY
    assert isinstance(stored.problem, KeyringError)
    assert await store.get(BASE) == stored
    with pytest.raises(KeyringError):
        await store.forget(BASE)
    with pytest.raises(KeyringError):
        await store.get(BASE)


@pytest.mark.logs("keyring failed")
async def test_an_error_of_an_unknown_kind_is_said_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = KeyStore("default", open_ring=lambda: BrokenRing(ZeroDivisionError()))
    stored = await store.put(BASE, "ak_1")
    assert stored.place is KeyPlace.MEMORY
    assert any(record.levelname == "ERROR" for record in caplog.records)
    caplog.clear()


async def test_a_hanging_keyring_is_waited_for_once(hanging: HangingRing) -> None:
    store = KeyStore("default", open_ring=lambda: hanging, limit_s=0.1)
    started_s = time.monotonic()
    with pytest.raises(KeyringError, match="does not answer"):
        await store.get(BASE)
    stored = await store.put(BASE, "ak_1")
    assert stored.place is KeyPlace.MEMORY
    # The second call did not start another thread that hangs as well.
    assert hanging.calls == 1
    assert time.monotonic() - started_s < 1.0


async def test_a_keyring_that_wakes_up_is_used_again(hanging: HangingRing) -> None:
    store = KeyStore("default", open_ring=lambda: hanging, limit_s=0.1)
    with pytest.raises(KeyringError):
        await store.get(BASE)
    hanging.released.set()
    await asyncio.sleep(0.05)
    assert (await store.put(BASE, "ak_1")).place is KeyPlace.KEYRING


async def test_the_loop_goes_on_while_the_keyring_hangs(hanging: HangingRing) -> None:
    store = KeyStore("default", open_ring=lambda: hanging, limit_s=0.2)
    asking = asyncio.ensure_future(store.put(BASE, "ak_1"))
    turns = 0
    while not asking.done():
        turns += 1
        await asyncio.sleep(0.005)
    assert turns > 10


def test_the_environments_key_is_cleaned_and_never_stored() -> None:
    ring = MemoryRing()
    given = KeyStore("default", environment_key=" 'ak_env' ", open_ring=lambda: ring).environment_key(BASE)
    assert given is not None
    assert (given.value, given.address, given.place) == ("ak_env", BASE, KeyPlace.ENVIRONMENT)
    assert ring.entries == {}
    assert KeyStore("default", environment_key="  ").environment_key(BASE) is None


_REAL = """
import asyncio, sys
from atlas_desktop.errors import KeyringError
from atlas_desktop.storage.keys import KeyStore
async def main():
    store = KeyStore("default")
    try:
        if sys.argv[1] == "put":
            stored = await store.put("https://a.example.com", "ak_real")
            print(stored.place.value, stored.problem)
        elif sys.argv[1] == "get":
            stored = await store.get("https://a.example.com")
            print(stored and (stored.value, stored.place.value))
        else:
            await store.forget("https://a.example.com")
            print("forgotten")
    except KeyringError as error:
        print("KeyringError", error)
asyncio.run(main())
"""


def _real(env: dict[str, str], word: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", _REAL, word], env=env, capture_output=True, text=True, timeout=20, check=True
    )
    return answer.stdout.strip()


def test_a_real_secret_service_keeps_the_key_between_two_runs() -> None:
    with session_bus(os.environ) as bus, secret_service(bus) as env:
        assert _real(env, "get") == "None"
        assert _real(env, "put") == "keyring None"
        assert _real(env, "get") == "('ak_real', 'keyring')"
        assert _real(env, "forget") == "forgotten"
        assert _real(env, "get") == "None"


def test_a_real_locked_secret_service_and_a_missing_one_are_said_in_time() -> None:
    with session_bus(os.environ) as bus, secret_service(bus, unlocked=False) as locked:
        started_s = time.monotonic()
        assert _real(locked, "put").startswith("memory This computer's keyring can't be used")
        assert time.monotonic() - started_s < 9.0
    nowhere = {name: value for name, value in os.environ.items() if not name.startswith("DBUS")}
    assert "keyring can't be used" in _real({**nowhere, "XDG_RUNTIME_DIR": "/nonexistent"}, "put")


def test_importing_the_store_does_not_import_keyring() -> None:
    code = "import sys, atlas_desktop.storage.keys; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
