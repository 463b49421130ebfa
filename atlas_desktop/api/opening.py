"""Which source a kind of sessions has."""

from collections.abc import Callable, Iterable

from atlas_desktop.api.access import Access
from atlas_desktop.api.source import SessionSource, SourceKind

SourceOpener = Callable[[Access], SessionSource]
"""Makes the source of an access."""


def open_source(access: Access, own_ids: Iterable[str] = ()) -> SessionSource:
    """The one that talks to the service itself; loads the HTTP client with its first use.

    Args:
        access: Where to, and with what.
        own_ids: Sessions that were made with this very access in an earlier run.
    """
    if access.kind is SourceKind.BACKEND:
        from atlas_desktop.api.backend import BackendSource

        return BackendSource(access.address, access.secret or None, own_ids=own_ids)
    from atlas_desktop.api.client import AtlasSource

    return AtlasSource(access.secret, access.address, own_ids=own_ids)
