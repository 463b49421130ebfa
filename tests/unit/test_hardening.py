"""No secret in what the system shows of a process, in its children's environment or in its core dumps."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from atlas_desktop.hardening import without_secrets
from atlas_desktop.storage.environment import Environment

SECRETS = {
    "ATLAS_API_KEY": "ak_environment_0123456789",
    "OPENAI_API_KEY": "sk-environment",
    "SOME_TOKEN": "token",
    "DB_PASSWORD": "letmein",
    "ATLAS_BACKEND_URL": "https://backend.example/?t=secret",
    "DATABASE_URL": "postgres://ann:letmein@db/x",
}
PROXIES = {"HTTPS_PROXY": "http://ann:letmein@proxy:3128", "http_proxy": "ann:letmein@proxy:3128"}
HARMLESS = {
    "PATH": os.environ["PATH"],
    "NO_PROXY": "localhost,10.0.0.0/8",
    "ALL_PROXY": "socks5://proxy:1080",
    "SSLKEYLOGFILE": "/tmp/keys",
    "SSH_AUTH_SOCK": "/run/agent",
    "GNOME_KEYRING_CONTROL": "/run/keyring",
    "XDG_RUNTIME_DIR": "/run/user/1000",
    "ATLAS_API_KEY_": "",
}

_SHOWN = """
import os, resource, subprocess
from atlas_desktop import hardening
hardening.forbid_core_dumps()
hardening.hide_environment()
shown = open("/proc/self/environ", "rb").read()
print(shown.decode().replace(chr(0), " "))
print("own", os.environ["HTTPS_PROXY"])
print("native", subprocess.run(["sh", "-c", "echo $HTTPS_PROXY"], capture_output=True, text=True).stdout)
print("limit", resource.getrlimit(resource.RLIMIT_CORE)[0])
print("filter", int(open("/proc/self/coredump_filter").read(), 16))
"""
_DYING = """
import os, resource, sys
from atlas_desktop import hardening
secret = "".join(("ak_in", "_memory_", "0123456789"))
if sys.argv[1] == "forbidden":
    hardening.forbid_core_dumps()
else:
    # As a process has it whose parent says nothing else.
    open("/proc/self/coredump_filter", "w").write("0x33")
# As a crash reporter has it, which gets a dump whatever the limit is.
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
os.abort()
"""


def run(
    script: str, *words: str, env: Mapping[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)


def importing() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]}


def test_a_child_gets_no_secrets_and_proxies_only_where_it_needs_them() -> None:
    every = {**SECRETS, **PROXIES, **HARMLESS}
    assert without_secrets(every, proxies=True) == {**PROXIES, **HARMLESS}
    assert without_secrets(every, proxies=False) == HARMLESS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows it so")
def test_the_system_shows_no_secrets_of_a_process_which_keeps_them() -> None:
    done = run(_SHOWN, env={**importing(), **SECRETS, **PROXIES, "HARMLESS": "stays"})
    assert done.returncode == 0, done.stderr
    shown, _, rest = done.stdout.partition("\nown ")
    for secret in (*SECRETS.values(), *PROXIES.values()):
        assert secret not in shown
    assert "HARMLESS=stays" in shown
    own = PROXIES["HTTPS_PROXY"]
    assert rest.split() == [own, "native", own, "limit", "0", "filter", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="the memory in a dump is chosen as Linux has it")
@pytest.mark.parametrize("how", ["forbidden", "allowed"])
def test_a_core_dump_holds_no_memory(tmp_path: Path, how: str) -> None:
    assert run(_DYING, how, env=importing(), folder=tmp_path).returncode < 0
    dumps = b"".join(dump.read_bytes() for dump in tmp_path.iterdir())
    # Where the kernel hands dumps to a reporter there is none to look at.
    allowed = how == "allowed" and bool(dumps)
    assert (b"ak_in_memory_0123456789" in dumps) is allowed


def test_the_key_is_taken_out_of_the_environment_once_it_is_read() -> None:
    variables = {"ATLAS_API_KEY": "ak_1", "ATLAS_API_BASE": "https://x.example", "HOME": "/home"}
    taken = Environment.take(variables)
    assert (taken.api_key, taken.api_base) == ("ak_1", "https://x.example")
    assert variables == {"ATLAS_API_BASE": "https://x.example", "HOME": "/home"}
