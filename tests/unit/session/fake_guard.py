"""A guard's process without a process: takes orders, and answers as the test says."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from atlas_desktop.api.guard_protocol import Frame, encode_error, encode_message
from atlas_desktop.errors import AppError, ChildError
from atlas_desktop.session.guard_client import GuardClient
from atlas_desktop.session.guard_events import GuardEvent
from atlas_desktop.session.guard_supervisor import GuardStarter

ADDRESS = "https://api.example.com"

Answer = Frame | AppError | None
"""What comes of an order: its ``ok``, an error, or nothing at all."""


class FakeGuardProcess:
    """One guard. Sessions are made and ended by ``Guards``, which all of its kind share."""

    def __init__(self, guards: "Guards", pid: int) -> None:
        self.pid = pid
        self.running = True
        self.released = False
        self.on_line: Callable[[bytes], None] | None = None
        self.on_exit: Callable[[int], None] | None = None
        self.orders: list[Frame] = []
        self.contents: list[bytes] = []
        self._guards = guards

    def listen(self, on_line: Callable[[bytes], None], on_exit: Callable[[int], None]) -> None:
        self.on_line, self.on_exit = on_line, on_exit

    def send(self, data: bytes) -> None:
        if not self.running or self.released:
            raise ChildError(role="guard", detail="it has ended")
        line, _, content = data.partition(b"\n")
        order = json.loads(line)
        assert order.get("content_bytes", 0) == len(content)
        self.orders.append(order)
        if content:
            self.contents.append(content)
        if "n" in order:
            answer = self._guards.answer(order)
            if answer is not None:
                asyncio.get_running_loop().call_soon(self.answer, order["n"], answer)

    def answer(self, number: int, answer: Frame | AppError) -> None:
        if isinstance(answer, AppError):
            self.say({"n": number, "error": encode_error(answer)})
        else:
            self.say({"n": number, "ok": answer})

    def say(self, frame: Frame) -> None:
        if self.running and self.on_line is not None:
            self.on_line(encode_message(frame).rstrip(b"\n"))

    def die(self, status: int = -9) -> None:
        self.running = False
        if self.on_exit is not None and not self.released:
            self.on_exit(status)

    def kill(self) -> None:
        self.die()

    async def release(self) -> None:
        self.released = True

    def told(self, op: str) -> list[Frame]:
        return [order for order in self.orders if order["op"] == op]

    @property
    def limits_told(self) -> list[Frame]:
        """The limits of sessions; a probe names none."""
        return [order for order in self.told("limits") if order["session_id"]]

    @property
    def ops(self) -> list[str]:
        """What was asked of it, signs of life and probes left out."""
        return [order["op"] for order in self.orders if order["op"] not in ("beat", "limits")]


class Guards:
    """Starts guards; ``script`` has answers that are given in place of the usual ones, once each.

    Attributes:
        started: Every guard so far.
        failures: How many of the next starts fail.
        on_start: Called with each new guard before it is handed out.
    """

    def __init__(self) -> None:
        self.started: list[FakeGuardProcess] = []
        self.failures = 0
        self.tries = 0
        self.script: dict[str, list[Answer]] = {}
        self.open_sessions: list[str] = []
        self.gate: asyncio.Event | None = None
        self.on_start: Callable[[FakeGuardProcess], Any] | None = None
        self._numbers = itertools.count(1)

    async def start(self, role: str, *arguments: str) -> FakeGuardProcess:
        assert role == "guard"
        assert arguments[0] == "--profile"
        self.tries += 1
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ChildError(role=role, detail="no such program")
        process = FakeGuardProcess(self, 1000 + len(self.started))
        self.started.append(process)
        if self.on_start is not None:
            self.on_start(process)
        return process

    @property
    def last(self) -> FakeGuardProcess:
        return self.started[-1]

    def answer(self, order: Frame) -> Answer:
        if self.script.get(order["op"]):
            return self.script[order["op"]].pop(0)
        match order["op"]:
            case "create":
                return self.grant(order["mode"])
            case "end":
                session_id = order["session_id"]
                if session_id in self.open_sessions:
                    self.open_sessions.remove(session_id)
                return {"session_id": session_id, "confirmed": True, "duration_s": 2.0, "cost_usd": 0.01}
        return {}

    def grant(self, mode: str = "conversation") -> Frame:
        session_id = f"ses_{next(self._numbers):020x}"
        self.open_sessions.append(session_id)
        return self._grant(session_id, mode)

    def _grant(self, session_id: str, mode: str) -> Frame:
        return {
            "session_id": session_id,
            "livekit_url": "wss://room",
            "token": "t",
            "mode": mode,
            "price_per_hour_usd": 7.0,
            "spent_today_usd": 1.5,
        }


class Watched(GuardClient):
    """A guard whose news and troubles are kept."""

    def __init__(self, folder: Path, guards: Guards) -> None:
        self.errors: list[AppError] = []
        self.events: list[GuardEvent] = []
        super().__init__(folder, on_error=self.errors.append, start_child=cast(GuardStarter, guards.start))
        self.on_event(self.events.append)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)
