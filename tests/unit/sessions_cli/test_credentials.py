import asyncio
from pathlib import Path

from atlas_desktop.api.access import Access
from atlas_desktop.api.address import DEFAULT_BASE
from atlas_desktop.api.source import SourceKind
from atlas_desktop.sessions_cli.credentials import CredentialResolver
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.profile import Profile
from tests.unit.sessions_cli.desk import STRANGER, Desk
from tests.unit.sessions_cli.fakes import credentials, entry
from tests.unit.storage.rings import MemoryRing


def test_another_key_is_told_whose_it_was(desk: Desk) -> None:
    session_id = desk.make(key="ak_the_one_that_made_it")
    done = desk.run("end", session_id)
    host = desk.atlas.base.removeprefix("http://")
    assert (done.status, done.out) == (1, "")
    assert done.complaints.count("\n") == 1
    assert f"{session_id} was made at {host} with another key than the one at hand" in done.complaints
    assert "Set ATLAS_API_KEY" in done.complaints
    assert desk.atlas.key not in done.complaints
    assert desk.only().is_open
    assert desk.atlas.open_sessions() == [session_id]
    [answer] = desk.run("end", "--all", "--json").answer
    assert (answer["ended"], "another key" in answer["complaint"]) == (False, True)


def test_without_a_key_it_is_said(desk: Desk) -> None:
    session_id = desk.make()
    done = desk.run("end", session_id, ATLAS_API_KEY="")
    assert (done.status, done.complaints.count("\n")) == (1, 1)
    assert "with a key that is not at hand" in done.complaints
    assert desk.run("--json", ATLAS_API_KEY="").answer[0]["key_at_hand"] is False
    done = desk.run("end", STRANGER, ATLAS_API_KEY="")
    assert (done.status, "no key is at hand" in done.complaints) == (1, True)


def test_the_same_key_ends_it_though_the_base_is_another_now(desk: Desk) -> None:
    """The journal knows where it was made."""
    session_id = desk.make()
    assert desk.run("end", session_id, ATLAS_API_BASE="").status == 0
    assert desk.atlas.open_sessions() == []


async def test_the_key_is_found_in_the_keyring_under_any_spelling_of_its_address() -> None:
    ring = MemoryRing()
    await KeyStore("p", open_ring=lambda: ring).put("https://api.example.com/v1/", "ak_1")
    here = credentials(ring, ATLAS_API_BASE="https://api.example.com/v1/")
    access = await here.access_to(entry("ak_1", address="https://api.example.com"))
    assert access is not None
    assert (access.secret, access.address, access.host) == (
        "ak_1",
        "https://api.example.com",
        "api.example.com",
    )
    assert "ak_1" not in repr(access)
    assert await here.access_to(entry("ak_2", address="https://api.example.com")) is None
    assert await here.access_to(entry("ak_1", address="https://api.example.org")) is None


async def test_the_environments_key_comes_first_and_the_kept_one_counts_too() -> None:
    ring = MemoryRing()
    await KeyStore("p", open_ring=lambda: ring).put(DEFAULT_BASE, "ak_kept")
    here = credentials(ring, ATLAS_API_KEY="ak_env")
    for secret in ("ak_env", "ak_kept"):
        access = await here.access_to(entry(secret))
        assert access is not None
        assert access.secret == secret
    current = await here.current()
    assert current is not None
    assert (current.kind, current.secret) == (SourceKind.ATLAS, "ak_env")


async def test_backends_with_and_without_a_token() -> None:
    ring, url = MemoryRing(), "https://backend.example/api"
    here = credentials(ring, url)
    assert await here.current() == Access(SourceKind.BACKEND, "", url)
    assert await here.access_to(entry("", "backend", url)) == Access(SourceKind.BACKEND, "", url)
    assert await here.access_to(entry("token", "backend", url)) is None
    await KeyStore("p", open_ring=lambda: ring).put(url, "token")
    here = credentials(ring, url)
    assert await here.access_to(entry("token", "backend", url)) == Access(SourceKind.BACKEND, "token", url)
    assert await here.access_to(entry("token", "satellite", url)) is None
    other = "https://other.example"
    assert await credentials(ring, url, ATLAS_BACKEND_URL=other).current() == Access(
        SourceKind.BACKEND, "", other
    )


async def test_a_backend_whose_query_was_not_written_is_reached_as_it_is_set_up_now() -> None:
    made = entry("", "backend", "https://backend.example/api?token=old")
    assert "old" not in repr(made)
    here = credentials(MemoryRing(), "https://backend.example/api?token=new")
    assert await here.access_to(made) == Access(
        SourceKind.BACKEND, "", "https://backend.example/api?token=new"
    )
    # Half an address leads to nobody, or to somebody who never heard of the session.
    assert await credentials(MemoryRing(), "https://other.example/api?token=new").access_to(made) is None
    assert await credentials(MemoryRing()).access_to(made) is None


async def test_a_backend_with_a_token_and_a_query_needs_both() -> None:
    ring, url = MemoryRing(), "https://backend.example/api?tenant=1"
    made = entry("token", "backend", url)
    assert await credentials(ring, url).access_to(made) is None
    await KeyStore("p", open_ring=lambda: ring).put(url, "token")
    assert await credentials(ring, url).access_to(made) == Access(SourceKind.BACKEND, "token", url)
    assert await credentials(ring).access_to(made) is None


def test_a_backend_in_the_settings_is_credentials(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path)
    profile.settings_file.write_text('{"backend_url": "https://backend.example"}')
    assert asyncio.run(
        CredentialResolver.of(profile, {}).access_to(entry("", "backend", "https://backend.example"))
    )
    profile.settings_file.write_text("torn {")
    assert CredentialResolver.of(profile, {}).problem is None
    assert profile.settings_file.read_text() == "torn {"
