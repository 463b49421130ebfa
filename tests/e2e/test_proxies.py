"""The program behind a proxy: what goes through it, what never does, and what is said of a refusal."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.program import LocalAtlas, give_settings
from tests.e2e.stage import Stage
from tests.unit.connect_proxy import ConnectProxy
from tests.unit.socks_proxy import SocksProxy
from tests.unit.tls import server_context

SERVICE = "atlas.example"
NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


def dead_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_rehearsal_needs_no_proxy_whatever_the_environment_says(desk: Stage) -> None:
    with ConnectProxy() as proxy:
        for address in (proxy.address, f"127.0.0.1:{dead_port()}"):
            named = dict.fromkeys(NAMES, f"http://ann:secret@{address}")
            with desk.open(env={**desk.env, **named}) as program:
                program.rehearse_once()
                assert "secret" not in program.log.read_text()
        assert proxy.targets == []


def test_a_rehearsal_needs_no_socks_proxy_either(desk: Stage) -> None:
    with desk.open(env={**desk.env, **dict.fromkeys(NAMES, "socks5://127.0.0.1:9")}) as program:
        program.rehearse_once()


@pytest.mark.parametrize("file", ["nowhere", "pipe"])
def test_a_rehearsal_lives_with_variables_that_name_nothing_usable(
    file: str, desk: Stage, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    odd = {
        "ALL_PROXY": "quic://127.0.0.1:1080",
        "HTTPS_PROXY": "http://proxy:port",
        "NO_PROXY": "::1/128",
        **dict.fromkeys(("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"), str(tmp_path / file)),
    }
    with desk.open(env={**desk.env, **odd}) as program:
        program.rehearse_once()


@pytest.mark.parametrize(
    ("kind", "name", "address"),
    [
        (ConnectProxy, "HTTPS_PROXY", "http://an%40n:p%3Aw%25@{proxy}"),
        (SocksProxy, "ALL_PROXY", "socks://an%40n:p%3Aw%25@{proxy}/"),
    ],
    ids=["connect", "socks"],
)
def test_a_paid_session_reaches_its_service_through_the_proxy(
    desk: Stage,
    atlas: LocalAtlas,
    tmp_path: Path,
    kind: type[ConnectProxy | SocksProxy],
    name: str,
    address: str,
) -> None:
    context, trusted = server_context(SERVICE, tmp_path)
    with kind(credentials="an@n:p:w%") as proxy:
        proxy.lead(f"{SERVICE}:443", "127.0.0.1", int(atlas.base.rpartition(":")[2]), context)
        given = {
            "ATLAS_API_BASE": f"https://{SERVICE}",
            "ATLAS_API_KEY": atlas.key,
            name: address.format(proxy=proxy.address),
            "SSL_CERT_FILE": str(trusted),
        }
        with desk.open(env={**desk.env, **given}) as program:
            program.screen.press("Start")
            program.end_session()
        assert set(proxy.targets) == {f"{SERVICE}:443"}
    atlas.wait_all_ended()


def test_the_setting_holds_for_paid_sessions_and_a_refusal_is_said(
    desk: Stage, atlas: LocalAtlas, tmp_path: Path
) -> None:
    folder = desk.new_folder("proxy")
    with ConnectProxy(refusal="403 Ask Bob") as proxy:
        give_settings(folder / "profile", limits_seen=True, proxy_mode="address", proxy_address=proxy.address)
        with desk.open(
            folder=folder,
            ATLAS_API_BASE=f"https://{SERVICE}",
            ATLAS_API_KEY=atlas.key,
            HTTPS_PROXY=f"http://127.0.0.1:{dead_port()}",
        ) as program:
            program.screen.press("Start")
            program.wait_state("Failed")
            program.wait_words(f"The proxy http://{proxy.address} in the setting “Proxy” did not let us")
            program.wait_words("403 Ask Bob")
        assert set(proxy.targets) == {f"{SERVICE}:443"}
    assert atlas.sessions() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SSL_CERT_FILE", "/nowhere/roots.pem", "because the certificates that SSL_CERT_FILE names"),
        ("SSL_CERT_FILE", "{pipe}", "because the certificates that SSL_CERT_FILE names"),
        ("SSL_CERT_DIR", "{folder}", "because the certificates that SSL_CERT_DIR names"),
        ("SSLKEYLOGFILE", "/nowhere/keys", "because the file that SSLKEYLOGFILE names"),
        ("ALL_PROXY", "quic://127.0.0.1:9", "because of the proxy in ALL_PROXY"),
        ("all_proxy", "socks5://127.0.0.1:9", "The proxy socks5://127.0.0.1:9 in all_proxy"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named_and_leaves_no_entry(
    name: str, value: str, words: str, desk: Stage, atlas: LocalAtlas, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    folder = desk.new_folder("odd")
    odd = {"SSL_CERT_FILE": "", name: value.format(pipe=tmp_path / "pipe", folder=tmp_path / "folder")}
    access = {"ATLAS_API_BASE": f"https://{SERVICE}", "ATLAS_API_KEY": atlas.key}
    with desk.open(folder=folder, env={**desk.env, **access, **odd}) as program:
        program.screen.press("Start")
        program.wait_state("Failed")
        program.wait_words(words)
    assert listed(folder / "profile", {**desk.env, **access, **odd}) == []
    assert atlas.sessions() == []


def listed(profile: Path, env: Mapping[str, str]) -> list[object]:
    """What ``atlas-desktop sessions`` says is open."""
    words = [sys.executable, "-m", "atlas_desktop", "sessions", "--json", "--profile", str(profile)]
    found: list[object] = json.loads(subprocess.check_output(words, env=dict(env)))
    return found
