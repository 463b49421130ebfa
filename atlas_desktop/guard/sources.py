"""The sources that the app has opened, with the secrets that it gave for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from atlas_desktop.api.access import Access
from atlas_desktop.api.source import SessionSource
from atlas_desktop.errors import BugError
from atlas_desktop.storage.billing_entry import BillingEntry


class Opener(Protocol):
    """Makes the source of an access: ``api.access.open_source``."""

    def __call__(self, access: Access, own_ids: Iterable[str] = ()) -> SessionSource: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """One source as the app opened it."""

    access: Access
    source: SessionSource

    @property
    def address(self) -> str:
        return self.access.address

    def made(self, entry: BillingEntry) -> bool:
        """Whether the entry's session was made with this secret, at this address."""
        return entry.matches(self.access.kind.value, self.access.address, self.access.secret)


class Sources:
    """Keeps the opened sources by the app's names. Thread: one event loop."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._by_name: dict[str, Opened] = {}
        self._of_sessions: dict[tuple[Opened, str], SessionSource] = {}
        self._replaced: list[SessionSource] = []

    def open(self, name: str, access: Access) -> Opened:
        """Opens a source, once: the same one again changes nothing.

        Raises:
            InsecureAddressError: A key would be sent in the clear.
        """
        known = self._by_name.get(name)
        if known is not None and known.access == access:
            return known
        opened = Opened(access, self._opener(access))
        if known is not None:
            # What it made may still have to be ended by it.
            self._replaced.append(known.source)
        self._by_name[name] = opened
        return opened

    def named(self, name: str) -> Opened:
        """The source of that name.

        Raises:
            BugError: The app has not opened it.
        """
        if name not in self._by_name:
            raise BugError(where=f"an order for the unknown source {name}")
        return self._by_name[name]

    def for_session(self, opened: Opened, session_id: str) -> SessionSource:
        """One that knows that this session of before is its own; the same one until it is let go."""
        found = self._of_sessions.get((opened, session_id))
        if found is None:
            found = self._opener(opened.access, [session_id])
            self._of_sessions[opened, session_id] = found
        return found

    def maker_of(self, entry: BillingEntry) -> Opened | None:
        """The opened source that made the entry's session, if it is here."""
        return next((opened for opened in self._by_name.values() if opened.made(entry)), None)

    async def let_go(self, opened: Opened, session_id: str) -> None:
        """The session is over: closes what was opened for it alone."""
        source = self._of_sessions.pop((opened, session_id), None)
        if source is not None:
            await source.aclose()

    async def aclose(self) -> None:
        """Lets go of all connections."""
        opened = (opened.source for opened in self._by_name.values())
        for source in (*opened, *self._of_sessions.values(), *self._replaced):
            await source.aclose()
