"""Whom to trust: what the environment names, and what is said where that can't be read."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from atlas_desktop.api.certificates import certificates, loaded_certificates
from atlas_desktop.api.exchange import Exchange
from atlas_desktop.errors import AppError, CertificatesError, KeyLogError
from atlas_desktop.guard.session_creator import create_definitely_failed
from tests.desk.slow_disk import slow_disk
from tests.unit.tls import server_context

NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a cache of its own: a thread that was not waited for fills it late, in another test."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("atlas_desktop.api.certificates.certificates", cache(certificates.__wrapped__))


def nowhere(folder: Path) -> Path:
    return folder / "nowhere"


def a_folder(folder: Path) -> Path:
    return folder


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def an_empty_file(folder: Path) -> Path:
    (folder / "empty").touch()
    return folder / "empty"


def no_certificate(folder: Path) -> Path:
    (folder / "text").write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    return folder / "text"


def a_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def a_long_name(folder: Path) -> Path:
    return folder / ("n" * 300)


def without_hashes(folder: Path) -> Path:
    server_context("x.example", folder)
    return folder


def a_hash_of_nothing(folder: Path) -> Path:
    (folder / "0123abcd.0").write_text("no certificate")
    return folder


def a_pipe_by_a_hash(folder: Path) -> Path:
    os.mkfifo(folder / "0123abcd.0")
    return folder


def two_folders_of_nothing(folder: Path) -> Path:
    return Path(f"{folder}{os.pathsep}{folder / 'nowhere'}")


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        *(
            ("SSL_CERT_FILE", make, CertificatesError)
            for make in (nowhere, a_folder, a_pipe, an_empty_file, no_certificate, a_loop, a_long_name)
        ),
        *(
            ("SSL_CERT_DIR", make, CertificatesError)
            for make in (
                nowhere,
                a_folder,
                a_pipe,
                an_empty_file,
                a_loop,
                a_long_name,
                without_hashes,
                a_hash_of_nothing,
                a_pipe_by_a_hash,
                two_folders_of_nothing,
            )
        ),
        *(
            ("SSLKEYLOGFILE", make, KeyLogError)
            for make in (a_folder, a_pipe, a_loop, a_long_name, lambda folder: folder / "no" / "keys")
        ),
    ],
)
async def test_what_can_not_be_read_is_named_and_nothing_is_sent(
    name: str,
    make: Callable[[Path], Path],
    kind: type[AppError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, str(make(tmp_path)))
    exchange = Exchange("https://api.example", None)
    with pytest.raises(kind) as caught:
        await exchange.call("POST", "https://api.example/", 20.0)
    await exchange.aclose()
    assert name in str(caught.value)
    assert create_definitely_failed(caught.value)


async def test_this_computer_is_asked_whatever_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "/nowhere/x")
    exchange = Exchange("http://127.0.0.1:9", None)
    with pytest.raises(AppError, match=r"127\.0\.0\.1:?9? can't be reached"):
        await exchange.call("GET", "http://127.0.0.1:9/", 20.0)
    await exchange.aclose()


async def test_a_file_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server_context("x.example", tmp_path)[1]))
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    assert len((await loaded_certificates()).get_ca_certs()) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_disk_that_does_not_answer_is_not_waited_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow_disk(tmp_path / "disk", roots=b"x") as disk:
        monkeypatch.setenv(name, str(disk.path("roots")))
        disk.lookup_s = 60.0
        with pytest.raises(CertificatesError, match=f"{name} names.*no answer in time"):
            await loaded_certificates(0.3)


async def test_a_folder_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, root = server_context("x.example", tmp_path)
    words = subprocess.check_output(["openssl", "x509", "-hash", "-noout", "-in", root], text=True).strip()
    folder = tmp_path / "trusted"
    folder.mkdir()
    shutil.copy(root, folder / f"{words}.0")
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere{os.pathsep}{folder}")
    assert isinstance(await loaded_certificates(), ssl.SSLContext)


async def test_the_keys_are_logged_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/x")
    assert (await loaded_certificates()).keylog_filename == str(tmp_path / "keys")
