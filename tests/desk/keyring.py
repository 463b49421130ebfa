"""A real Secret Service: gnome-keyring on the private session bus, its store in a folder of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory

from tests.desk.process import run, running, wait_until

_PASSWORD = b"desk\n"


@contextmanager
def secret_service(env: Mapping[str, str], unlocked: bool = True) -> Iterator[dict[str, str]]:
    """Runs gnome-keyring on the session bus of ``env``; without ``unlocked`` it would ask a person."""
    with TemporaryDirectory(prefix="desk-keys-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with_keys = {**env, "XDG_DATA_HOME": f"{folder}/data"}
        Path(folder, "data").mkdir()
        words = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        words += [f"--control-directory={folder}", *(["--unlock"] if unlocked else [])]
        with running(words, with_keys, log, stdin=PIPE) as process:
            assert process.stdin is not None
            if unlocked:
                process.stdin.write(_PASSWORD)
            process.stdin.close()
            wait_until(lambda: _is_on_bus(with_keys), "gnome-keyring", log)
            yield with_keys


def _is_on_bus(env: Mapping[str, str]) -> bool:
    words = [
        "dbus-send",
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
    ]
    words += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
    return b"true" in run(words, env, capture_output=True, timeout=5, check=False).stdout
