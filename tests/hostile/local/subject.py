"""The real local Atlas as a process, as its good client knows it and as a stranger reaches it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
from livekit import rtc

from atlas_desktop.local_atlas.rest.accounts import ServiceTerms

ANSWER_LIMIT_S = 20.0
SESSION = "/v1/realtime/session"
_FIRST_S = 0.4
_MORE_S = 0.05
_MB = 1 << 20


class Subject:
    """A local Atlas that runs.

    Attributes:
        token: Opens the room of ``session``.
    """

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        self.base, self.key = str(first["base"]), str(first["key"])
        self.session = self.token = ""
        self._log = log
        self._process = psutil.Process(process.pid)
        headers = {"Authorization": f"Bearer {self.key}"}
        self._client = httpx.Client(
            base_url=self.base, headers=headers, timeout=ANSWER_LIMIT_S, trust_env=False, verify=False
        )
        self.refresh()

    def close(self) -> None:
        self._client.close()

    @property
    def mb(self) -> float:
        """How much memory it has."""
        return float(self._process.memory_info().rss) / _MB

    @property
    def complaints(self) -> list[str]:
        """What it has logged as an error."""
        words = ("Traceback", " ERROR ", " CRITICAL ", "never retrieved")
        lines = self._log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if any(word in line for word in words)]

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def datagram_ports(self) -> list[int]:
        """Where its rooms' media come in."""
        return [found.laddr.port for found in self._process.net_connections("udp")]

    def connect(self) -> socket.socket:
        parts = urlsplit(self.base)
        return socket.create_connection((parts.hostname, parts.port), timeout=ANSWER_LIMIT_S)

    def refresh(self) -> None:
        """Takes everything back that was ordered, and opens a session of its own."""
        self._good("DELETE", "/local/faults")
        terms = ServiceTerms(requests_per_minute=0)
        fields = {name: getattr(terms, name) for name in ServiceTerms.__slots__}
        self._good("PATCH", "/local/books", {"terms": fields, "credit_cents": 1_000_000})
        for entry in self._good("GET", "/local/books")["sessions"]:
            if entry["status"] == "active":
                self._good("DELETE", f"{SESSION}/{entry['session_id']}")
        made = self._good("POST", SESSION, {"mode": "passthrough"})
        self.session, self.token = made["session_id"], made["token"]

    def take_back(self) -> None:
        """Takes back what may have been ordered by the last request; what it reports can be read."""
        self._good("DELETE", "/local/faults")
        self._good("PATCH", "/local/books", {"terms": {"requests_per_minute": 0}})
        self._good("GET", "/local/books")

    def serve_well(self) -> None:
        """A good client is served: it calls, joins, sees a picture and ends.

        Raises:
            AssertionError: It is not.
        """
        self.refresh()
        url = self.base.replace("http", "ws", 1)
        assert asyncio.run(_sees_a_picture(url, self.token)), "a good client sees no picture"
        self._good("DELETE", f"{SESSION}/{self.session}")

    def _good(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._client.request(method, path, json=body)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def running(folder: Path) -> Iterator[Subject]:
    """A local Atlas until the end of the block."""
    log = folder / "local-atlas.log"
    words = [sys.executable, "-m", "atlas_desktop", "local", "--child"]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=env
        ) as process,
    ):
        subject = Subject(process, log)
        try:
            yield subject
        finally:
            subject.close()
            assert process.stdin is not None
            process.stdin.close()
            process.wait(ANSWER_LIMIT_S)


def answer_to(subject: Subject, sent: bytes) -> bytes:
    """What comes back for ``sent`` until the other side closes, or is silent: it may wait for the rest."""
    with subject.connect() as connection:
        with suppress(OSError):
            # Cut off while it still talks: what was answered before that is still read.
            connection.sendall(sent)
        return _read(connection)


def _read(connection: socket.socket) -> bytes:
    found = b""
    until_s = time.monotonic() + ANSWER_LIMIT_S
    while len(found) < 100_000 and time.monotonic() < until_s:
        connection.settimeout(_MORE_S if found else _FIRST_S)
        try:
            part = connection.recv(65_536)
        except (TimeoutError, ConnectionError):
            break
        if not part:
            break
        found += part
    return found


async def _sees_a_picture(url: str, token: str) -> bool:
    room, seen = rtc.Room(), asyncio.Event()
    room.on(
        "track_subscribed", lambda track, *_: seen.set() if track.kind == rtc.TrackKind.KIND_VIDEO else None
    )
    await room.connect(url, token)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await seen.wait()
    except TimeoutError:
        return False
    finally:
        await room.disconnect()
    return True
