"""The keys and backends at hand, and which of them made a session."""

from collections.abc import Mapping
from pathlib import Path

from atlas_desktop.api.access import Access
from atlas_desktop.api.address import DEFAULT_BASE
from atlas_desktop.api.source import SourceKind
from atlas_desktop.errors import KeyringError, MediaError
from atlas_desktop.files import open_regular
from atlas_desktop.storage import settings
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import KeyStore
from atlas_desktop.storage.profile import Profile


class CredentialResolver:
    """What the environment, the keyring and the settings of a profile give. Thread: one event loop.

    Attributes:
        problem: Why the keyring could not be asked; ``None`` while all went well.
    """

    def __init__(self, environment: Environment, keys: KeyStore, backend_url: str) -> None:
        self.problem: KeyringError | None = None
        self._environment = environment
        self._keys = keys
        self._backend_url = environment.backend_url or backend_url
        self._kept: dict[str, str] = {}

    @classmethod
    def of(cls, profile: Profile, variables: Mapping[str, str]) -> "CredentialResolver":
        """Return what is at hand for ``profile``, in an environment with these ``variables``."""
        environment = Environment.read(variables)
        keys = KeyStore(profile.name, environment.api_key)
        return cls(environment, keys, _backend_in(profile.settings_file))

    async def access_to(self, entry: BillingEntry) -> Access | None:
        """Return the key or backend that made ``entry``; ``None`` when it is not at hand."""
        if entry.kind not in list(SourceKind):
            return None
        kind, address_now = SourceKind(entry.kind), self._reachable_address(entry)
        if address_now is None:
            return None
        given = self._keys.environment_key(address_now)
        if kind is SourceKind.BACKEND and entry.matches(kind, address_now, ""):
            return Access(kind, "", address_now)
        if given is not None and entry.matches(kind, address_now, given.value):
            return Access(kind, given.value, given.address)
        for address in dict.fromkeys((entry.address, *self._addresses)):
            secret = await self._kept_for(address)
            if secret and entry.matches(kind, address, secret):
                return Access(kind, secret, address_now)
        return None

    async def current(self) -> Access | None:
        """Return what a session would be started with now; ``None`` without key and backend."""
        if self._backend_url:
            secret = await self._kept_for(self._backend_url)
            return Access(SourceKind.BACKEND, secret, self._backend_url)
        base = self._environment.api_base or DEFAULT_BASE
        given = self._keys.environment_key(base)
        secret = given.value if given is not None else await self._kept_for(base)
        return Access(SourceKind.ATLAS, secret, base) if secret else None

    @property
    def _addresses(self) -> tuple[str, ...]:
        """Where a key may be kept under another spelling of an address."""
        all_ = (self._environment.api_base, self._backend_url, DEFAULT_BASE)
        return tuple(address for address in all_ if address)

    def _reachable_address(self, entry: BillingEntry) -> str | None:
        """Return the address that leads to who made it; ``None`` where only a part of it is known."""
        if not entry.is_address_cut:
            return entry.address
        # What was left out may let one in: the backend in use has it.
        return next((url for url in self._addresses if entry.is_at(url)), None)

    async def _kept_for(self, address: str) -> str:
        if address not in self._kept and self.problem is None:
            try:
                found = await self._keys.get(address)
            except KeyringError as error:
                # Asked once: each further question could wait as long.
                self.problem, found = error, None
            self._kept[address] = found.value if found is not None else ""
        return self._kept.get(address, "")


def _backend_in(file: Path) -> str:
    """Return the backend that the settings name; they are only read, never repaired."""
    try:
        with open_regular(file) as found:
            return settings.parse(found.read().decode("utf-8"))[0].backend_url
    except (MediaError, OSError, ValueError):
        return ""
