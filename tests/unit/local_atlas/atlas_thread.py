"""A local Atlas in a thread of the test's process."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from atlas_desktop.local_atlas.composition import LocalAtlas, serve
from atlas_desktop.local_atlas.interfaces import AvatarFactory
from atlas_desktop.local_atlas.rest.accounts import AccountStore

T = TypeVar("T")


class LocalAtlasThread:
    """A local Atlas on a loop of its own: use it with ``with``.

    Its parts belong to its own loop: reach them through ``call``; reading ``accounts`` is safe.
    """

    def __init__(self, create_avatar: AvatarFactory | None = None) -> None:
        self._create_avatar = create_avatar
        self._loop = asyncio.new_event_loop()
        self._atlas: LocalAtlas | None = None
        self._thread = threading.Thread(target=self._run, name="local-atlas")

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._atlas = self._await(serve(create_avatar=self._create_avatar))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._await(self.atlas.aclose())
        self._stop()

    @property
    def atlas(self) -> LocalAtlas:
        assert self._atlas is not None, "the local Atlas is not running"
        return self._atlas

    @property
    def base(self) -> str:
        return self.atlas.base

    @property
    def key(self) -> str:
        return self.atlas.key

    @property
    def accounts(self) -> AccountStore:
        return self.atlas.accounts

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call ``function`` on the loop of the local Atlas and return its result."""

        async def run() -> T:
            return function(*args, **kwargs)

        return self._await(run())

    def inject(self, **fields: Any) -> None:
        """Schedule a fault of the REST API: the fields of ``RestFault``."""
        self.call(self.atlas.faults.add, **fields)

    def apply_fault(self, **fields: Any) -> None:
        """Apply a fault to open rooms: the fields of ``RoomFault``."""
        self.call(self.atlas.faults.apply, **fields)

    def set_room_options(self, **fields: Any) -> None:
        """Set options of rooms opened from now on: the fields of ``RoomOptions``."""
        self.call(self.atlas.faults.set_room_options, **fields)

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        # Rooms may still be closing: cancel what is left, as ``asyncio.run`` does.
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
