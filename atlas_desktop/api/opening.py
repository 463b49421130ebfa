"""Which source sessions of a kind are made with."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from atlas_desktop.api.access import Access
from atlas_desktop.api.source import SessionSource, SourceKind

if TYPE_CHECKING:
    from atlas_desktop.api.http_source import HttpSource

SourceOpener = Callable[[Access], SessionSource]
"""Makes the source of an access."""


def open_source(access: Access, own_ids: Iterable[str] = ()) -> "HttpSource":
    """Return the one that talks to the service itself; load the HTTP client with its first use.

    Args:
        access: Where to, and with what.
        own_ids: Sessions that were made with this very access in an earlier run.
    """
    if access.kind is SourceKind.BACKEND:
        from atlas_desktop.api.backend import BackendSource

        return BackendSource(access.address, access.secret or None, own_ids=own_ids)
    from atlas_desktop.api.client import AtlasSource

    return AtlasSource(access.secret, access.address, own_ids=own_ids)
