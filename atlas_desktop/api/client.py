"""Atlas with a key: the source of sessions that talks to the service itself."""

from collections.abc import Iterable

import httpx

from atlas_desktop.api.address import DEFAULT_BASE, below, host_of, normalise_base
from atlas_desktop.api.http_source import HttpSource

_SESSIONS_PATH = ("v1", "realtime", "session")
_OUR_REHEARSAL = "this computer"


class AtlasSource(HttpSource):
    """Makes sessions at Atlas, with a key. Satisfies ``SessionSource``.

    Args:
        key: The API key; it is sent to ``base`` only and shown nowhere.
        base: Address of the service; https, or this computer.
        billed: False only for the local Atlas of our own rehearsal.
        own_ids: Sessions that were made earlier with this very base and key: for these, and those made
            through this source, a 404 of Atlas's own shape means that they are over.
        transport: Stands in for the network in tests.

    Raises:
        InsecureAddressError: ``base`` is neither https nor on this computer.
    """

    def __init__(
        self,
        key: str,
        base: str = DEFAULT_BASE,
        *,
        billed: bool = True,
        own_ids: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base = normalise_base(base)
        super().__init__(
            below(self.base, *_SESSIONS_PATH),
            key,
            label=host_of(self.base) if billed else _OUR_REHEARSAL,
            billed=billed,
            own_ids=own_ids,
            transport=transport,
        )
