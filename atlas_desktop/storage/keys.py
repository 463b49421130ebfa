"""API keys: in the OS keyring, else in memory for this run, never in a file. The only user of keyring."""

import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from atlas_desktop.aio import BlockingCallRunner
from atlas_desktop.errors import BugError, KeyringError
from atlas_desktop.redaction import known

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

SERVICE = "atlas-desktop"
LIMIT_S = 3.0
R = TypeVar("R")

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?\w*(?:KEY|TOKEN)\s*[=:]\s*(?=\S)")
# Quotes of any language, and invisible characters of a text copied from a web page.
_NOT_IN_KEYS = re.compile(r"[\s\"'`´‘’‚“”„«»\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\x7f]+")


class KeyPlace(StrEnum):
    """Where a key is stored."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key, or a backend's token, with its address and where it is stored.

    Attributes:
        value: The secret itself.
        address: Where it may be sent.
        place: ``MEMORY`` lasts for this run.
        problem: Why it is not in the keyring; ``None`` when nothing went wrong.
    """

    value: str = field(repr=False)
    address: str
    place: KeyPlace
    problem: KeyringError | None = None

    def __post_init__(self) -> None:
        known.add(self.value)


def clean_key(pasted: str) -> str:
    """Return a pasted key without spaces, quotes, newlines and a leading ``NAME=``."""
    return _NOT_IN_KEYS.sub("", _ASSIGNMENT.sub("", pasted))


class KeyStore:
    """Stores keys by the address they are for. Thread: one event loop; the keyring has its own.

    Args:
        profile: Name of the profile: each has its own keys.
        environment_key: The key of this run (``ATLAS_API_KEY``); takes precedence, is never stored.
        open_ring: Opens the keyring, in its own thread; the system's by default.
        limit_s: Time limit of one call of the keyring.
    """

    def __init__(
        self,
        profile: str,
        environment_key: str = "",
        open_ring: Callable[[], "KeyringBackend"] | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._profile = profile
        self._environment_key = clean_key(environment_key)
        self._open_ring = open_ring or _open_system_ring
        self._memory: dict[str, StoredKey] = {}
        self._caller = BlockingCallRunner("keyring", limit_s)

    def environment_key(self, address: str) -> StoredKey | None:
        """Return the environment's key for this run, as the key for ``address``."""
        if not self._environment_key:
            return None
        return StoredKey(self._environment_key, address, KeyPlace.ENVIRONMENT)

    async def get(self, address: str) -> StoredKey | None:
        """Return the key for ``address``, without the environment's; ``None`` when there is none.

        Raises:
            KeyringError: The keyring failed, and memory holds no key.
        """
        kept = self._memory.get(address)
        if kept is not None:
            return kept
        account = self._account(address)
        value = await self._ask(lambda ring: ring.get_password(SERVICE, account))
        return StoredKey(value, address, KeyPlace.KEYRING) if value else None

    async def put(self, address: str, pasted: str) -> StoredKey:
        """Store a key: in the keyring, or in memory when that fails; the result says which and why."""
        value, account = clean_key(pasted), self._account(address)
        try:
            await self._ask(lambda ring: ring.set_password(SERVICE, account, value))
        except KeyringError as problem:
            stored = StoredKey(value, address, KeyPlace.MEMORY, problem)
            self._memory[address] = stored
            return stored
        self._memory.pop(address, None)
        return StoredKey(value, address, KeyPlace.KEYRING)

    async def forget(self, address: str) -> None:
        """Delete the key for ``address`` from memory and keyring; a missing key is no error.

        Raises:
            KeyringError: The keyring failed: the key may still be in it.
        """
        self._memory.pop(address, None)
        account = self._account(address)
        await self._ask(lambda ring: _delete(ring, account))

    def _account(self, address: str) -> str:
        return f"{self._profile} {address}"

    async def _ask(self, question: Callable[["KeyringBackend"], R]) -> R:
        try:
            return await self._caller.call(lambda: _mapped(lambda: question(self._open_ring())))
        except TimeoutError as error:
            raise KeyringError(detail="it does not answer; it may be locked") from error
        except BugError as error:
            raise KeyringError(detail="it failed in an unknown way") from error


def _mapped(question: Callable[[], R]) -> R:
    """Run in the keyring's thread, and map foreign errors: only their kind is logged."""
    import keyring.errors

    try:
        return question()
    except keyring.errors.KeyringLocked as error:
        raise KeyringError(detail="it is locked") from error
    except keyring.errors.NoKeyringError as error:
        raise KeyringError(detail="there is none") from error
    except _foreign_errors() as error:
        log.info("keyring: %s", type(error).__name__)
        raise KeyringError(detail="it can't be opened") from error


def _foreign_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of backends; Linux's does not map all of its libraries' own."""
    import keyring.errors

    names = (
        ("secretstorage.exceptions", "SecretStorageException"),
        ("jeepney.wrappers", "DBusErrorResponse"),
    )
    linux = [getattr(sys.modules[module], name) for module, name in names if module in sys.modules]
    return (keyring.errors.KeyringError, OSError, RuntimeError, *linux)


def _delete(ring: "KeyringBackend", account: str) -> None:
    if ring.get_password(SERVICE, account) is not None:
        ring.delete_password(SERVICE, account)


def _open_system_ring() -> "KeyringBackend":
    """Return the system's keyring.

    Raises:
        KeyringError: There is none, or only one that stores plain text or nothing.
    """
    import keyring

    ring = keyring.get_keyring()
    kinds = [type(part) for part in getattr(ring, "backends", (ring,))]
    safe = [kind for kind in kinds if not _is_unsafe(kind.__module__)]
    if not safe or safe != kinds:
        raise KeyringError(detail="there is none" if not safe else "it keeps keys as plain text")
    return ring


def _is_unsafe(module: str) -> bool:
    return module.startswith(("keyring.backends.fail", "keyring.backends.null", "keyrings.alt"))
