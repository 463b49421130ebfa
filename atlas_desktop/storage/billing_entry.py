"""One session in the billing journal, and the records that its entry is made of."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from atlas_desktop.api.address import host_of, normalise_backend, normalise_base
from atlas_desktop.api.limits import SpendingLimits, affordable_s, cost_usd
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant, SourceKind
from atlas_desktop.errors import InsecureAddressError
from atlas_desktop.lenient_json import number_of
from atlas_desktop.storage.session_ids import opened_id, public_id, sealed_id

VERSION = 1
Record = Mapping[str, Any]

_USER = re.compile(r"^((?:\w[\w+.-]*:)?//)?[^/]*@")


class Outcome(StrEnum):
    """The known state of a session."""

    ASKED = "asked"
    """The request was sent; no response was recorded: a session may exist, with an unknown id."""
    OPEN = "open"
    ENDED = "ended"
    REFUSED = "refused"
    """The service created none."""
    DISMISSED = "dismissed"
    """The user declared it over, or nothing more could be done about it."""


@dataclass(frozen=True, slots=True)
class BillingEntry:
    """One session as recorded in the journal. Holds no key and no token.

    Attributes:
        key: The entry's own name, created before the service gave an id.
        guard: The guard that wrote it: its lock shows whether that is running.
        kind: ``atlas`` or ``backend``.
        address: Base or backend URL, without what may be a secret in it: query, user, password. Older
            records have it unchanged.
        is_address_cut: Whether something was removed, so that the address alone is not usable.
        salt: For the fingerprint.
        fingerprint: Of the key or token, salted; empty where there was none.
        mode: The requested mode.
        asked_at: UTC, by the wall clock.
        session_id: Exactly as the service gave it; empty before. Redacted where it held a secret.
        sealed_id: The whole of such an id, encrypted with the key or token that made it; else empty.
        granted_at: UTC; ``None`` before.
        ended_at: UTC; ``None`` before.
        why: Why it was ended.
        duration_s: The service's figure, else ours.
        charged_usd: The service's figure; ``None`` where it gave none.
        estimated_usd: Ours.
        limit_s: The user's time limit when it was requested; ``None``: no limit.
        limit_usd: The same for its cost.
    """

    key: str
    guard: str
    kind: str
    address: str
    salt: str
    fingerprint: str
    mode: Mode
    asked_at: datetime
    outcome: Outcome = Outcome.ASKED
    session_id: str = ""
    granted_at: datetime | None = None
    price_per_hour_usd: float | None = None
    max_duration_s: float | None = None
    ended_at: datetime | None = None
    why: str = ""
    duration_s: float | None = None
    charged_usd: float | None = None
    estimated_usd: float | None = None
    is_address_cut: bool = False
    limit_s: float | None = None
    limit_usd: float | None = None
    sealed_id: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may still cost, and can be ended."""
        return self.outcome is Outcome.OPEN

    @property
    def host(self) -> str:
        """The host as shown to the user; empty where the journal lost it."""
        try:
            return host_of(self.place)
        except ValueError:
            return ""

    @property
    def place(self) -> str:
        """The address without what may be a secret in it."""
        return _bare(self.address)

    @property
    def cost_usd(self) -> float | None:
        """The cost: the service's figure, else ours, else ``None``."""
        return self.estimated_usd if self.charged_usd is None else self.charged_usd

    def matches(self, kind: str, address: str, secret: str) -> bool:
        """Return whether this key, at this address (in any spelling, with any query), created it."""
        if kind != self.kind or not self.is_at(address):
            return False
        print_ = fingerprint(self.salt, secret)
        return hmac.compare_digest(_bytes_of(print_), _bytes_of(self.fingerprint))

    def is_of(self, session_id: str) -> bool:
        """Return whether it is about the session with this id."""
        return self.session_id in (session_id, public_id(session_id))

    def id_for(self, secret: str) -> str:
        """Return the id by which the service knows it, decrypted with the secret that created it."""
        if not self.sealed_id:
            return self.session_id
        return opened_id(self.key, self.session_id, self.sealed_id, secret)

    def is_at(self, address: str) -> bool:
        """Return whether it was created at this address."""
        return _place(self.kind, address) == _place(self.kind, self.address)

    def running_s(self, now: datetime) -> float:
        """Return how long it has run, or ran: as the service stated, else by the wall clock.

        Never negative, even if a clock was set back, and never more than the service's limit.
        """
        if self.duration_s is not None:
            return self.duration_s
        if self.granted_at is None:
            return 0.0
        passed_s = max(0.0, ((self.ended_at or now) - self.granted_at).total_seconds())
        return passed_s if self.max_duration_s is None else min(passed_s, self.max_duration_s)

    @property
    def longest_s(self) -> float | None:
        """An upper bound of its time, where known: the service's limit, else the user's."""
        if self.max_duration_s is not None:
            return self.max_duration_s
        bounds = [] if self.limit_s is None else [self.limit_s]
        if self.limit_usd is not None and self.price_per_hour_usd:
            bounds.append(affordable_s(self.limit_usd, self.price_per_hour_usd))
        return min(bounds, default=None)

    def counted_s(self, now: datetime) -> float | None:
        """Return how much of its time counts in sums and limits; ``None`` where that is unknown.

        One whose end was not recorded does not count until now, but up to its bound, if it has one.
        """
        if self.duration_s is not None or self.granted_at is None:
            return self.duration_s
        ran_s, longest_s = self.running_s(now), self.longest_s
        if longest_s is None:
            return ran_s if self.outcome is Outcome.ENDED else None
        return min(ran_s, longest_s)

    def counted_usd(self, now: datetime) -> float | None:
        """Return how much of its cost counts, where price and time are known."""
        ran_s, price = self.counted_s(now), self.price_per_hour_usd
        if self.cost_usd is not None or price is None or ran_s is None:
            return self.cost_usd
        return cost_usd(ran_s, price)

    def cost_by(self, now: datetime) -> float | None:
        """Return the most that it may have cost until ``now``, where the price is known."""
        if self.cost_usd is not None or self.price_per_hour_usd is None:
            return self.cost_usd
        return cost_usd(self.running_s(now), self.price_per_hour_usd)


def new_key() -> str:
    """Return a unique name for an entry or a guard."""
    return secrets.token_hex(8)


def fingerprint(salt: str, secret: str) -> str:
    """Return a salted hash that identifies a secret without revealing it; empty for none."""
    if not secret:
        return ""
    return hmac.new(_bytes_of(salt), _bytes_of(secret), hashlib.sha256).hexdigest()[:32]


def _bytes_of(text: str) -> bytes:
    """Return the bytes of text from a damaged journal, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def asked(
    guard: str,
    kind: str,
    address: str,
    secret: str,
    mode: Mode,
    now: datetime,
    limits: SpendingLimits | None = None,
) -> dict[str, Any]:
    """Return the record that is written before the request is sent."""
    salt = secrets.token_hex(16)
    return {
        "event": "asked",
        "key": new_key(),
        "guard": guard,
        "kind": kind,
        "address": _bare(address),
        "address_cut": _bare(address) != address.partition("#")[0].removesuffix("?"),
        "salt": salt,
        "fingerprint": fingerprint(salt, secret),
        "mode": mode.value,
        "limit_s": None if limits is None else number_of(limits.session_s),
        "limit_usd": None if limits is None else number_of(limits.session_usd),
        "at": _text(now),
    }


def granted(key: str, grant: SessionGrant, now: datetime, secret: str = "") -> dict[str, Any]:
    """Return the record that is written before the app gets the id. ``secret``: what created the session."""
    return {
        "event": "granted",
        "key": key,
        **_written_id(key, grant.session_id, secret),
        "price_per_hour_usd": grant.price_per_hour_usd,
        "max_duration_s": grant.max_duration_s,
        "at": _text(now),
    }


def found(key: str, session_id: str, now: datetime, secret: str = "") -> dict[str, Any]:
    """Return the record of a session whose response could not be used, except for its id."""
    return {"event": "granted", "key": key, **_written_id(key, session_id, secret), "at": _text(now)}


def _written_id(key: str, session_id: str, secret: str) -> dict[str, str]:
    shown = public_id(session_id)
    if shown == session_id:
        return {"session_id": session_id}
    return {"session_id": shown, "sealed_id": sealed_id(key, session_id, secret)}


def refused(key: str, code: str, now: datetime) -> dict[str, Any]:
    """Return the record of a create that certainly made no session. ``code`` is the error's."""
    return {"event": "refused", "key": key, "why": code, "at": _text(now)}


def ended(
    key: str, receipt: EndReceipt, why: str, estimated_usd: float | None, now: datetime
) -> dict[str, Any]:
    """Return the record of an end that the service confirmed."""
    return {
        "event": "ended",
        "key": key,
        "why": why,
        "duration_s": receipt.duration_s,
        "charged_usd": receipt.cost_usd,
        "estimated_usd": estimated_usd,
        "at": _text(now),
    }


def dismissed(key: str, now: datetime) -> dict[str, Any]:
    """Return the record of a session that the user declared over."""
    return {"event": "dismissed", "key": key, "at": _text(now)}


def taken_over(key: str, guard: str, now: datetime) -> dict[str, Any]:
    """Return the record of a guard that takes over a dead guard's entry."""
    return {"event": "taken_over", "key": key, "guard": guard, "at": _text(now)}


def _place(kind: str, address: str) -> str:
    bare = _bare(address)
    try:
        return (normalise_backend if kind == SourceKind.BACKEND else normalise_base)(bare)
    except InsecureAddressError:
        return bare


def _bare(address: str) -> str:
    """Remove user, password, query and fragment from anything that was typed."""
    return _USER.sub(r"\1", address.partition("#")[0].partition("?")[0])


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
