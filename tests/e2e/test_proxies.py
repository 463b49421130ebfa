"""The program behind a proxy: what goes through it, what never does, and what is said of a refusal."""

import socket
from pathlib import Path

from tests.e2e.program import LocalAtlas, give_settings
from tests.e2e.stage import Stage
from tests.unit.connect_proxy import ConnectProxy
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


def test_a_rehearsal_lives_with_variables_that_name_nothing_usable(desk: Stage) -> None:
    odd = {
        "ALL_PROXY": "socks://127.0.0.1:1080",
        "HTTPS_PROXY": "http://proxy:port",
        "NO_PROXY": "::1/128",
        "SSL_CERT_FILE": "/nowhere/roots.pem",
    }
    with desk.open(env={**desk.env, **odd}) as program:
        program.rehearse_once()


def test_a_paid_session_reaches_its_service_through_the_proxy(
    desk: Stage, atlas: LocalAtlas, tmp_path: Path
) -> None:
    context, trusted = server_context(SERVICE, tmp_path)
    with ConnectProxy(credentials="an@n:p:w%") as proxy:
        proxy.lead(f"{SERVICE}:443", "127.0.0.1", int(atlas.base.rpartition(":")[2]), context)
        with desk.open(
            ATLAS_API_BASE=f"https://{SERVICE}",
            ATLAS_API_KEY=atlas.key,
            HTTPS_PROXY=f"http://an%40n:p%3Aw%25@{proxy.address}",
            SSL_CERT_FILE=str(trusted),
        ) as program:
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
            program.wait_words(f"The proxy http://{proxy.address} did not let us through to {SERVICE}")
            program.wait_words("403 Ask Bob")
        assert set(proxy.targets) == {f"{SERVICE}:443"}
    assert atlas.sessions() == []


def test_certificates_that_are_not_there_are_named(desk: Stage, atlas: LocalAtlas) -> None:
    with desk.open(
        ATLAS_API_BASE=f"https://{SERVICE}", ATLAS_API_KEY=atlas.key, SSL_CERT_FILE="/nowhere/roots.pem"
    ) as program:
        program.screen.press("Start")
        program.wait_state("Failed")
        program.wait_words("Nothing was sent, because the certificates that SSL_CERT_FILE names")
