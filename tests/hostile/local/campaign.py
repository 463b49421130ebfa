"""Strangers at the local Atlas: requests, websockets, datagrams; each is answered with a 4xx or cut off."""

import random
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.hostile.local.requests import request
from tests.hostile.local.signals import frames, handshake
from tests.hostile.local.subject import Subject, answer_to, running
from tests.hostile.local.values import mutated
from tests.hostile.tally import Tally

MOST_MB = 400.0
"""With a session open it has some 150."""
_REFRESH_EVERY = 50
_HALF_OPEN = 40
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_STUN = bytes.fromhex("000100002112a442") + bytes(12)


class Campaign:
    """Sends what a seed says, one after the other. The same seed and number make the same bytes.

    Args:
        subject: Whom to.
        seed: Of chance.
        keep: What is found lies there, as it was sent.
    """

    def __init__(self, subject: Subject, seed: int, keep: Path) -> None:
        self.tally = Tally()
        self._subject = subject
        self._seed = seed
        self._keep = keep
        self._half_open: list[socket.socket] = []
        self._complaints = 0

    def run(self, count: int) -> Tally:
        """Tries so many, then a good client."""
        kinds: tuple[Callable[[random.Random, str], None], ...] = (
            *([self._request] * 6),
            self._room,
            self._leave_open,
            self._datagrams,
        )
        try:
            for number in range(count):
                chance = random.Random(f"{self._seed}-{number}")
                chance.choice(kinds)(chance, f"{self._seed}-{number}")
                if number % _REFRESH_EVERY == _REFRESH_EVERY - 1:
                    self._look(f"{self._seed}-{number}")
                    self._subject.refresh()
            self._subject.serve_well()
        except (AssertionError, OSError, ValueError) as error:
            self.tally.findings.append(f"no longer served after {self.tally.outcomes.total()}: {error!r}")
        finally:
            for one in self._half_open:
                one.close()
        self._look("the end")
        return self.tally

    def _request(self, chance: random.Random, which: str) -> None:
        sent = request(chance)
        began_s = time.monotonic()
        answer = answer_to(self._subject, self._filled(sent))
        took_s = time.monotonic() - began_s
        statuses = {int(status) for status in _STATUS.findall(answer)}
        bad = {
            status
            for status in statuses
            if status >= 500 and not (status == 503 and b"no_capacity" in answer)
        }
        if bad:
            self._found(which, sent, f"{sorted(bad)} for a request")
        self.tally.count(_outcome(statuses), which, took_s, self._subject.mb)
        if b"/local/" in sent:
            self._subject.take_back()

    def _room(self, chance: random.Random, which: str) -> None:
        sent = handshake(chance) + frames(chance)
        began_s = time.monotonic()
        answer = answer_to(self._subject, self._filled(sent))
        statuses = {int(status) for status in _STATUS.findall(answer[:20])}
        if any(status >= 500 for status in statuses):
            self._found(which, sent, f"{sorted(statuses)} for a join")
        outcome = "rooms entered" if 101 in statuses else "rooms refused"
        self.tally.count(outcome, which, time.monotonic() - began_s, self._subject.mb)

    def _leave_open(self, chance: random.Random, which: str) -> None:
        """Half a request, and nothing more."""
        sent = self._filled(request(chance))
        with suppress(OSError):
            one = self._subject.connect()
            one.sendall(sent[: chance.randrange(len(sent) + 1)])
            self._half_open.append(one)
        while len(self._half_open) > _HALF_OPEN:
            self._half_open.pop(0).close()
        self.tally.count("left half open", which, 0.0, self._subject.mb)

    def _datagrams(self, chance: random.Random, which: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for port in self._subject.datagram_ports:
                for _ in range(20):
                    message = chance.choice(
                        (mutated(chance, _STUN), _attribute(chance), chance.randbytes(200))
                    )
                    stranger.sendto(message, ("127.0.0.1", port))
        self.tally.count("datagrams", which, 0.0, self._subject.mb)

    def _filled(self, sent: bytes) -> bytes:
        subject = self._subject
        for name, value in (("KEY", subject.key), ("TOKEN", subject.token), ("SESSION", subject.session)):
            sent = sent.replace(f"{{{name}}}".encode(), value.encode())
        return sent

    def _look(self, which: str) -> None:
        complaints = self._subject.complaints
        if len(complaints) > self._complaints:
            self._found(
                which, self._subject.log.encode(), f"it logged {complaints[self._complaints]!r} up to"
            )
            self._complaints = len(complaints)
        if self._subject.mb > MOST_MB:
            self._found(which, b"", f"{self._subject.mb:.0f} MB after")

    def _found(self, which: str, sent: bytes, what: str) -> None:
        self._keep.mkdir(parents=True, exist_ok=True)
        file = self._keep / f"{which.replace(' ', '-')}.bin"
        file.write_bytes(sent)
        self.tally.findings.append(f"{what} {which}, kept as {file}")


def local_atlas(count: int, seed: int, keep: Path) -> Tally:
    """Strangers at a local Atlas of their own."""
    keep.mkdir(parents=True, exist_ok=True)
    with running(keep) as subject:
        return Campaign(subject, seed, keep).run(count)


def _attribute(chance: random.Random) -> bytes:
    """A STUN message whose attribute is of a wrong length."""
    kind = chance.choice((0x0001, 0x0006, 0x0008, 0x0009, 0x0020, 0x0024, 0x0025, 0x8028, 0x8029, 0x802A))
    value = chance.randbytes(chance.choice((0, 1, 3, 4, 5, 8, 20)))
    padded = value + bytes(-len(value) % 4)
    body = kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + padded
    return b"\x00\x01" + len(body).to_bytes(2, "big") + _STUN[4:] + body


def _outcome(statuses: set[int]) -> str:
    if not statuses:
        return "cut off or kept waiting"
    return "refused" if all(status >= 400 for status in statuses) else "taken"
