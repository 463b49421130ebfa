"""A backend of the user's that keeps the key and asks Atlas for us."""

from collections.abc import Iterable
from typing import ClassVar

import httpx

from atlas_desktop.api.address import host_of, normalise_backend
from atlas_desktop.api.http_source import HttpSource


class BackendSource(HttpSource):
    """Makes sessions at a backend. Satisfies ``SessionSource``.

    Requests carry both spellings in use (``faceUrl`` and ``face_url``), answers may come in either.

    Args:
        url: The address that a POST creates a session at; https, or this computer.
        bearer: A token that the backend wants, if it does; not an Atlas key.
        own_ids: Sessions that were made earlier at this very backend.
        transport: Stands in for the network in tests.

    Raises:
        InsecureAddressError: ``url`` is neither https nor on this computer.
    """

    face_url_names: ClassVar[tuple[str, ...]] = ("faceUrl", "face_url")
    offers_all: ClassVar[bool] = False

    def __init__(
        self,
        url: str,
        bearer: str | None = None,
        *,
        own_ids: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = normalise_backend(url)
        super().__init__(self.url, bearer, label=host_of(self.url), own_ids=own_ids, transport=transport)
