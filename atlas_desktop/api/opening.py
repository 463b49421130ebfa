"""Which source a kind of sessions has."""

from collections.abc import Callable, Iterable

from atlas_desktop.api.source import SessionSource, SourceKind

SourceOpener = Callable[[SourceKind, str, str], SessionSource]
"""Makes the source for a secret (empty: none) and an address."""


def open_source(kind: SourceKind, secret: str, address: str, own_ids: Iterable[str] = ()) -> SessionSource:
    """The one that talks to the service itself; loads the HTTP client with its first use.

    Args:
        kind: Who makes the sessions.
        secret: Key or token; empty for none.
        address: Base or backend URL.
        own_ids: Sessions that were made with this very secret and address in an earlier run.
    """
    if kind is SourceKind.BACKEND:
        from atlas_desktop.api.backend import BackendSource

        return BackendSource(address, secret or None, own_ids=own_ids)
    from atlas_desktop.api.client import AtlasSource

    return AtlasSource(secret, address, own_ids=own_ids)
