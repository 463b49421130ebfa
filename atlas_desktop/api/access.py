"""An address together with its secret: one value, created where the secret is read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atlas_desktop.api.address import host_of
from atlas_desktop.api.source import SessionSource, SourceKind
from atlas_desktop.redaction import known

if TYPE_CHECKING:
    from atlas_desktop.api.http_source import HttpSource


@dataclass(frozen=True, slots=True)
class Access:
    """Who makes sessions, and the credential for it.

    The two are never joined later: a secret that is read late, for an address that is no longer used,
    stays with that address. Creating one registers the secret for redaction.

    Attributes:
        kind: Who makes the sessions.
        secret: Key or token; empty for none, at a backend. It is sent to ``address`` alone.
        address: Base or backend URL.
    """

    kind: SourceKind
    secret: str = field(repr=False)
    address: str

    def __post_init__(self) -> None:
        known.add(self.secret)

    @property
    def host(self) -> str:
        """The host as shown to the user; "?" where the address is invalid."""
        try:
            return host_of(self.address) or "?"
        except ValueError:
            return "?"

    def is_for(self, kind: SourceKind, address: str) -> bool:
        """Return whether it is for exactly this address."""
        return (self.kind, self.address) == (kind, address)


SourceOpener = Callable[[Access], SessionSource]
"""Opens the source of an access."""


def open_source(access: Access, own_ids: Iterable[str] = ()) -> "HttpSource":
    """Return a source that talks to the service itself; loads the HTTP client with its first use.

    Args:
        access: The address and its secret.
        own_ids: Sessions that were made with exactly this access in an earlier run.
    """
    if access.kind is SourceKind.BACKEND:
        from atlas_desktop.api.http_source import BackendSource

        return BackendSource(access.address, access.secret or None, own_ids=own_ids)
    from atlas_desktop.api.http_source import AtlasSource

    return AtlasSource(access.secret, access.address, own_ids=own_ids)
