"""The key or backend that pays for sessions: its state, its storage, and the session source it opens.

An option beats the environment, the environment beats the keyring.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.access import Access, SourceOpener, open_source
from atlas_desktop.api.lazy_source import FaceChooser, LazySource
from atlas_desktop.api.source import SessionSource, SourceKind
from atlas_desktop.errors import AppError, KeyringError, NoKeyError, ServiceError, UnauthorizedError
from atlas_desktop.session.snapshot import SessionSnapshot
from atlas_desktop.session.state import Failed, Joining
from atlas_desktop.storage.environment import Environment
from atlas_desktop.storage.keys import LIMIT_S, KeyPlace, KeyStore, StoredKey, clean_key
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.ui.controllers.key_state import KeyKind, KeyState
from atlas_desktop.ui.controllers.notices import error_texts

log = logging.getLogger(__name__)

# One call that runs into its time limit, and the next that was queued behind it.
_WRITES_LIMIT_S = LIMIT_S + 0.5

_KINDS = {
    KeyPlace.ENVIRONMENT: KeyKind.ENVIRONMENT,
    KeyPlace.KEYRING: KeyKind.KEYRING,
    KeyPlace.MEMORY: KeyKind.MEMORY,
}


class KeyController:
    """Holds the key of this run and makes the source of paid sessions. Thread: the event loop.

    A pasted key is used at once and stored only after the service has accepted it. A secret is held together
    with its address: one for another address than that in use is not used, however late it arrives.

    Args:
        keys: The keyring.
        environment: What the environment asks for in this run.
        settings: Store the backend's address.
        backend_option: The command line's backend; empty for none.
        scope: Owns the tasks that wait for the keyring.
        on_change: Called with each new ``KeyState``.
        on_error: Called with the error of a keyring that can't be used.
        opener: Makes the sources.
    """

    def __init__(
        self,
        keys: KeyStore,
        environment: Environment,
        settings: SettingsStore,
        backend_option: str,
        scope: TaskScope,
        on_change: Callable[[KeyState], None],
        on_error: Callable[[AppError], None],
        opener: SourceOpener = open_source,
    ) -> None:
        self._keys = keys
        self._environment = environment
        self._settings = settings
        self._fixed_backend = backend_option or environment.backend_url
        self._scope = scope
        self._last_write: asyncio.Task[None] | None = None
        self._on_change = on_change
        self._on_error = on_error
        self._opener = opener
        self._held: StoredKey | None = None
        self._pasted: Access | None = None
        self._tried: Access | None = None
        self._missing = ""
        self._refusal: AppError | None = None
        self._state = KeyState()
        self._loaded = asyncio.Event()
        # Reads are numbered: only the result of the last one counts.
        self._asked = 0
        self._sources: dict[Access, SessionSource] = {}

    async def aclose(self) -> None:
        """Close the connections of every source that was opened, after pending writes to the keyring.

        A key that was shown as forgotten must not be there at the next start.
        """
        if self._last_write is not None:
            # Writes run in order: after it all earlier ones are done.
            await asyncio.wait({self._last_write}, timeout=_WRITES_LIMIT_S)
        sources, self._sources = self._sources, {}
        for source in sources.values():
            await source.aclose()

    @property
    def state(self) -> KeyState:
        return self._state

    @property
    def backend_url(self) -> str:
        """The backend in use; empty when Atlas is called with a key."""
        return self._fixed_backend or self._settings.settings.backend_url

    @property
    def _kind(self) -> SourceKind:
        return SourceKind.BACKEND if self.backend_url else SourceKind.ATLAS

    @property
    def _address(self) -> str:
        return self.backend_url or self._key_address

    @property
    def _key_address(self) -> str:
        if self._environment.api_base:
            return self._environment.api_base
        from atlas_desktop.api.address import DEFAULT_BASE

        return DEFAULT_BASE

    def load(self) -> None:
        """Look for a key; the keyring answers later."""
        self._loaded.clear()
        self._held, self._missing = None, ""
        self._asked += 1
        self._scope.start(self._load(self._asked), "load key")
        # What is known without the keyring: its answer takes nothing of it away.
        self._set(self._state_of(None))

    def enter(self, pasted: str) -> None:
        """Take a key for the next start."""
        key = clean_key(pasted)
        if key:
            self._pasted = Access(SourceKind.ATLAS, key, self._key_address)
            self._set(self._state_of(self._held))

    def forget(self) -> None:
        """Delete the key from memory and keyring; one from the environment stays."""
        self._pasted = None
        # A pending read of the keyring is dropped, too.
        self._asked += 1
        self._loaded.set()
        if self._held is None or self._held.place is not KeyPlace.ENVIRONMENT:
            self._held = self._keys.environment_key(self._key_address)
            self._last_write = self._scope.start(self._forget(self._address), "forget key")
        self._set(self._state_of(self._held))

    def use_backend(self, url: str, token: str) -> None:
        """Use the backend at ``url``, or a key again when it is empty; the token goes to the keyring.

        Raises:
            InsecureAddressError: ``url`` is neither https nor on this computer.
        """
        from atlas_desktop.api.address import normalise_backend

        backend, token = normalise_backend(url) if url.strip() else "", clean_key(token)
        self._settings.change(backend_url=backend)
        self._pasted = Access(SourceKind.BACKEND, token, backend) if backend and token else None
        self.load()

    def source(self, choosing: FaceChooser | None = None) -> LazySource:
        """Return the source of the next paid session; ``choosing`` gives its face.

        Raises:
            NoKeyError: There is neither key nor backend.
            UnauthorizedError: The key was refused.
        """
        if self._state.kind is KeyKind.REFUSED and self._refusal is not None:
            raise self._refusal
        if self._loaded.is_set() and not self._state.usable and self._pasted is None:
            raise NoKeyError()
        return LazySource("Atlas", True, self._open_to_start, choosing)

    async def introduce(self) -> None:
        """Open the source ahead of a start: sessions it left open can then be ended."""
        with contextlib.suppress(AppError):
            await self._open()

    def try_other(self, pasted: str, use: Callable[[Access], None]) -> None:
        """Call ``use`` with a key that is not stored, and the address that keys are for."""
        key = clean_key(pasted)
        if key:
            use(Access(SourceKind.ATLAS, key, self._key_address))

    def follow_state(self, snapshot: SessionSnapshot) -> None:
        """Note from a paid session that was created, or failed, whether the key is accepted."""
        # The local Atlas does not check the key.
        if not snapshot.billed:
            return
        state = snapshot.state
        if isinstance(state, Joining):
            self.accepted()
        elif isinstance(state, Failed) and isinstance(state.error, UnauthorizedError):
            self.refused(state.error)
        elif isinstance(state, Failed) and _is_answer(state.error):
            self.accepted()

    def accepted(self) -> None:
        """Store the pasted key, now that the service accepted it, if it is the one that was tried."""
        taken = self._pasted
        if taken is None or taken != self._tried:
            return
        self._pasted = None
        self._held = StoredKey(taken.secret, taken.address, KeyPlace.MEMORY)
        self._last_write = self._scope.start(self._store(self._held), "store key")

    def refused(self, error: AppError) -> None:
        """Drop the key that was tried: the service refused it."""
        if self.backend_url or self._tried is None or self._tried.kind is not SourceKind.ATLAS:
            return
        if self._pasted not in (None, self._tried):
            # Another one has been pasted meanwhile.
            return
        title, _advice = error_texts(error)
        self._pasted, self._refusal = None, error
        self._set(KeyState(KeyKind.REFUSED, title))

    async def _open_to_start(self) -> SessionSource:
        source = await self._open()
        self._tried = self._access()
        return source

    async def _open(self) -> SessionSource:
        while self._typed is None and not self._loaded.is_set():
            await self._loaded.wait()
        access = self._access()
        if access.kind is SourceKind.ATLAS and not access.secret:
            raise NoKeyError()
        # One source per secret: a pending end and the next session share its connections.
        if access not in self._sources:
            self._sources[access] = self._opener(access)
        return self._sources[access]

    def _access(self) -> Access:
        """Return the address in use, with the secret that was typed or read for it, if any."""
        if self._typed is not None:
            return self._typed
        if self._held is not None and self._held.address == self._address:
            return Access(self._kind, self._held.value, self._held.address)
        return Access(self._kind, "", self._address)

    @property
    def _typed(self) -> Access | None:
        """The pasted secret, if it is for the address in use."""
        pasted = self._pasted
        return pasted if pasted is not None and pasted.is_for(self._kind, self._address) else None

    async def _load(self, number: int) -> None:
        found, missing = None if self.backend_url else self._keys.environment_key(self._key_address), ""
        try:
            if found is None:
                found = await self._keys.get(self._address)
        except KeyringError as error:
            # No notice: a rehearsal needs no keyring. The key line shows it, and so does storing a key.
            log.info("%s", error)
            missing = error_texts(error)[0]
        finally:
            if number == self._asked:
                self._loaded.set()
        if number != self._asked:
            # Forgotten meanwhile, or for an address that is not in use any more.
            return
        # A key that was accepted while the keyring was read is newer.
        self._held, self._missing = self._held or found, missing
        self._set(self._state_of(self._held))

    def _state_of(self, held: StoredKey | None) -> KeyState:
        if self.backend_url:
            return KeyState(
                KeyKind.BACKEND, backend_url=self.backend_url, from_environment=bool(self._fixed_backend)
            )
        if self._pasted is not None:
            return KeyState(KeyKind.CHECKING)
        if held is None:
            return KeyState(KeyKind.NONE, self._missing)
        reason = error_texts(held.problem)[0] if held.problem is not None else ""
        return KeyState(_KINDS[held.place], reason)

    async def _store(self, taken: StoredKey) -> None:
        kept = await self._keys.put(taken.address, taken.value)
        if self._held is not taken:
            # Forgotten, or replaced, while the keyring was written.
            return
        self._held = kept
        if kept.problem is not None:
            self._on_error(kept.problem)
        self._set(self._state_of(kept))

    async def _forget(self, address: str) -> None:
        try:
            await self._keys.forget(address)
        except KeyringError as error:
            self._on_error(error)

    def _set(self, state: KeyState) -> None:
        if state != self._state:
            self._state = state
            self._on_change(state)


def _is_answer(error: AppError) -> bool:
    """Whether the service itself answered: then it knew the key."""
    return isinstance(error, ServiceError) and bool(error.params.get("status"))
