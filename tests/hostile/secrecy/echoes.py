"""A service that gives back what it was sent: every answer is read as the program reads it."""

import asyncio
import json
import logging
import random
import string
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import encode_error
from atlas_desktop.api.http_source import AtlasSource
from atlas_desktop.api.source import Mode, SessionGrant, SourceKind
from atlas_desktop.errors import AppError
from atlas_desktop.logs import RedactingFormatter
from atlas_desktop.redaction import known
from atlas_desktop.storage import billing_entry as records
from atlas_desktop.storage.billing_replay import fold
from tests.hostile.secrecy.forms import FORMS
from tests.hostile.secrecy.search import Search
from tests.hostile.tally import Tally

BASE = "https://atlas.example"
GRANT = {"session_id": "ses_1", "livekit_url": "wss://room.example", "token": "eyJ.opaque.signature"}
_SIGNS = string.ascii_letters + string.digits + "-_"
_LETTERS = 32
_LONG = 4_090
"""A little less than is read of a text: a secret behind so much is cut."""

Place = Callable[[str], httpx.Response]


def _json(status: int, **body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


PLACES: dict[str, Place] = {
    "a message": lambda echo: _json(401, error="unauthorized", message=f"no such key: {echo}."),
    "a code": lambda echo: _json(409, error=echo, message=echo),
    "a detail": lambda echo: _json(422, detail=f"{echo} is no key"),
    "a nested error": lambda echo: _json(500, error={"code": echo, "message": f"x{echo}"}),
    "a long message": lambda echo: _json(400, error="bad", message=" " * _LONG + echo + " tail" * 99),
    "a page's title": lambda echo: httpx.Response(
        502, html=f"<html><title>Oops {echo}</title><body>{echo}</body></html>"
    ),
    "a page's text": lambda echo: httpx.Response(403, html=f"<html><body><p>{echo}<p>was sent</body></html>"),
    "plain text": lambda echo: httpx.Response(503, text=f"upstream said {echo}\n"),
    "JSON that is no object": lambda echo: httpx.Response(200, json=[echo]),
    "a header": lambda echo: httpx.Response(
        429, headers={b"retry-after": echo.encode(), b"x-key": echo.encode()}, json={"error": "rate_limited"}
    ),
    "no room address": lambda echo: _json(200, **{**GRANT, "livekit_url": f"http://x/{echo}?k={echo}"}),
    "a room address": lambda echo: _json(200, **{**GRANT, "livekit_url": f"wss://room.example/{echo}"}),
    "a room's name": lambda echo: _json(200, **{**GRANT, "room": echo}),
    "an id": lambda echo: _json(200, **{**GRANT, "session_id": f"ses_{echo}"}),
    "an id without a room": lambda echo: _json(200, session_id=f"ses_{echo}"),
    "a price": lambda echo: _json(200, **{**GRANT, "pricing": echo}),
}


class EchoTrial:
    """One secret, one form, one place: what is left of it anywhere.

    Args:
        seed: Makes the same trial again.
    """

    def __init__(self, seed: str) -> None:
        chance = random.Random(seed)
        self.seed = seed
        self.key = "ak_" + "".join(chance.choices(_SIGNS, k=_LETTERS))
        self.form = chance.choice(list(FORMS))
        self.place = chance.choice(list(PLACES))
        self.echo = FORMS[self.form](self.key, chance)
        self.kept: list[str] = []

    async def run(self) -> str:
        """Ask for a session and end it; returns what became of the first."""
        source = AtlasSource(self.key, BASE, transport=httpx.MockTransport(self._answer))
        try:
            grant = await source.create(Mode.CONVERSATION, None)
        except AppError as error:
            self._keep_error(error)
            return type(error).__name__
        finally:
            await source.aclose()
        self._keep_grant(grant)
        return "made"

    def leaks(self) -> list[str]:
        """What of the secret is in anything that was kept."""
        search = Search(key=self.key)
        return [str(found) for text in self.kept for found in search.in_text(text, self.place)]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return _json(401, error="unauthorized", message=self.echo)
        return PLACES[self.place](self.echo)

    def _keep_error(self, error: AppError) -> None:
        # The ids are for who has to end the session; they are kept nowhere.
        params = {name: value for name, value in error.params.items() if "session_id" not in name}
        told = {**encode_error(error), "params": params}
        self.kept += (str(error), json.dumps(told, ensure_ascii=False), _logged(error))
        session_id = error.params.get("session_id")
        if session_id:
            self._keep_record(records.found("e1", session_id, datetime.now(UTC), self.key), session_id)

    def _keep_grant(self, grant: SessionGrant) -> None:
        self.kept.append(json.dumps([grant.room, grant.mode, grant.price_per_hour_usd]))
        self.kept.append(_logged(f"joining {grant!r} of {grant.session_id}"))
        record = records.granted("e1", grant, datetime.now(UTC), self.key)
        self._keep_record(record, grant.session_id)

    def _keep_record(self, record: dict[str, Any], session_id: str) -> None:
        self.kept.append(json.dumps(record, ensure_ascii=False))
        (entry,) = fold([record])
        access = Access(SourceKind.ATLAS, self.key, BASE)
        if entry.id_for(access.secret) != session_id or not entry.is_of(session_id):
            self.kept.append(f"{self.key}: the id can't be read again")


def _logged(said: object) -> str:
    record = logging.LogRecord("echo", logging.INFO, __file__, 1, "%s", (said,), None)
    return RedactingFormatter("%(message)s").format(record)


def echoed_secrets(count: int, seed: int, _keep: Path) -> Tally:
    """Run so many trials; a finding says how it is made again."""
    # What is logged is read here, and not for people.
    logging.getLogger("atlas_desktop").addHandler(logging.NullHandler())
    tally = Tally()
    for number in range(count):
        # A process knows its own few secrets, not those of the trials before.
        known.clear()
        trial = EchoTrial(f"{seed}-{number}")
        began_s = time.thread_time()
        outcome = asyncio.run(trial.run())
        which = f"{trial.form}, {trial.place}, EchoTrial({trial.seed!r})"
        tally.count(outcome, which, time.thread_time() - began_s)
        tally.findings += (f"{which}: {leak}" for leak in trial.leaks())
    known.clear()
    return tally
