"""An address together with the secret that is for it: one value, made where the secret is read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from atlas_desktop.api.address import host_of
from atlas_desktop.api.source import SessionSource, SourceKind
from atlas_desktop.redaction import known


@dataclass(frozen=True, slots=True)
class Access:
    """Who makes sessions, and what lets us in there.

    The two are never joined later: a secret that is read late, for an address that is not used any more,
    stays with that address. Whoever holds one blanks the secret in all texts from then on.

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
        """What the user knows the address by, even where it is none."""
        try:
            return host_of(self.address) or "?"
        except ValueError:
            return "?"

    def is_for(self, kind: SourceKind, address: str) -> bool:
        """Whether it leads to this very address."""
        return (self.kind, self.address) == (kind, address)


SourceOpener = Callable[[Access], SessionSource]
"""Opens the source of an access."""


def open_source(access: Access, own_ids: Iterable[str] = ()) -> SessionSource:
    """The one that talks to the service itself; loads the HTTP client with its first use.

    Args:
        access: Where to, and with what.
        own_ids: Sessions that were made with this very access in an earlier run.
    """
    if access.kind is SourceKind.BACKEND:
        from atlas_desktop.api.http_source import BackendSource

        return BackendSource(access.address, access.secret or None, own_ids=own_ids)
    from atlas_desktop.api.http_source import AtlasSource

    return AtlasSource(access.secret, access.address, own_ids=own_ids)
