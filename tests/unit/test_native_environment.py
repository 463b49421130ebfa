"""What native code would wait for in place of certificates."""

import os
import subprocess
from pathlib import Path

import pytest

from atlas_desktop.native_environment import unsafe_certificate_variables, unset_unsafe_certificates
from tests.desk.slow_disk import slow_disk


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()


def test_a_disk_that_does_not_answer_is_unsafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_disk(tmp_path / "disk", roots=b"x") as disk:
        monkeypatch.setenv("SSL_CERT_FILE", str(disk.path("roots")))
        assert unsafe_certificate_variables() == []
        disk.lookup_s = 60.0
        assert unsafe_certificate_variables() == ["SSL_CERT_FILE"]


@pytest.mark.parametrize(
    ("name", "value", "is_unsafe"),
    [
        ("SSL_CERT_FILE", "{folder}/pipe", True),
        ("SSL_CERT_FILE", "{folder}", True),
        ("SSL_CERT_FILE", "/dev/zero", True),
        ("SSL_CERT_FILE", "{folder}/file", False),
        ("SSL_CERT_FILE", "{folder}/none", False),
        ("SSL_CERT_FILE", "{folder}/file/none", False),
        ("SSL_CERT_FILE", "n" * 5000, False),
        ("SSL_CERT_FILE", "", False),
        ("SSL_CERT_DIR", "{folder}/pipe", True),
        ("SSL_CERT_DIR", "{folder}:{folder}/pipe", True),
        ("SSL_CERT_DIR", "{folder}/none:{folder}", False),
    ],
)
def test_only_what_would_be_waited_for_is_left_out(
    name: str, value: str, is_unsafe: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = value.format(folder=tmp_path)
    monkeypatch.setenv(name, value)
    assert unsafe_certificate_variables() == ([name] if is_unsafe else [])
    unset_unsafe_certificates()
    native = subprocess.run(["printenv", name], capture_output=True, text=True, check=False).stdout.strip()
    assert native == ("" if is_unsafe else value)
    assert os.environ[name] == value
