"""``async for`` over what a native thread offers: bounded, newest first to stay."""

import asyncio
import weakref
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Subscription(Generic[T]):
    """One ``async for``: at most ``limit`` items wait, the oldest is dropped. Thread: its loop's."""

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque(maxlen=limit)
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._waiting = False
        self._closed = False

    def __aiter__(self) -> "Subscription[T]":
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            self._waiting = True
            # Looked at again after saying that we wait: what came in between woke nobody.
            if not self._items and not self._closed:
                await self._arrived.wait()
        return self._items.popleft()

    def offer(self, item: T) -> None:
        """Adds ``item``. Thread: any; never blocks."""
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """Ends the iteration after what already waits. Thread: any."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting and not self._loop.is_closed():
            self._waiting = False
            self._loop.call_soon_threadsafe(self._arrived.set)


class Subscribers(Generic[T]):
    """Those who iterate; forgotten when their loop is left."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._closed = False
        # Replaced, never changed in place: the offering thread reads it without a lock.
        self._refs: tuple[weakref.ref[Subscription[T]], ...] = ()

    def subscribe(self) -> Subscription[T]:
        """A new iteration. Thread: its loop's."""
        subscription = Subscription[T](self._limit)
        if self._closed:
            subscription.close()
        self._refs = (*(ref for ref in self._refs if ref() is not None), weakref.ref(subscription))
        return subscription

    def offer(self, item: T) -> None:
        """Hands ``item`` to everyone. Thread: any; never blocks."""
        for ref in self._refs:
            subscription = ref()
            if subscription is not None:
                subscription.offer(item)

    def close(self) -> None:
        """Ends every iteration, later ones too. Thread: any."""
        self._closed = True
        for ref in self._refs:
            subscription = ref()
            if subscription is not None:
                subscription.close()
