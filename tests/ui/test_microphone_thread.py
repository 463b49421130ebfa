"""The microphone's thread: it holds up nothing, however long it takes to end."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from atlas_desktop.errors import AppError, BugError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.shared_ring import RingWriter
from atlas_desktop.sound_client.capture import CaptureThread
from atlas_desktop.sound_client.memory import CAPTURED
from atlas_desktop.sound_client.microphone import Microphone
from atlas_desktop.sound_client.sound_client import SoundClient

if TYPE_CHECKING:
    from atlas_desktop.media.processing import EchoCanceller as _Base
else:
    # Not the real one, which loads the SDK's native part.
    _Base = object


class SlowCanceller(_Base):
    """Takes as long to be made as native code that waits for a disk."""

    def __init__(self) -> None:
        self.made = 0
        self.may_begin = threading.Event()

    def make(self) -> "SlowCanceller":
        self.made += 1
        assert self.may_begin.wait(20)
        return self

    def set_delay_ms(self, delay_ms: int) -> None: ...

    def process_render(self, block: Block) -> None: ...

    def process_capture(self, block: Block) -> Block:
        return block


@pytest.fixture
def canceller() -> Iterator[SlowCanceller]:
    canceller = SlowCanceller()
    yield canceller
    canceller.may_begin.set()
    for thread in threads():
        thread.join(20)


@pytest.fixture
async def client(qapp: object) -> AsyncIterator[SoundClient]:
    """A sound process that is not started: the test writes what it would have heard."""
    client = SoundClient()
    yield client
    await client.aclose()


@pytest.fixture
async def microphone(client: SoundClient, canceller: SlowCanceller) -> AsyncIterator[Microphone]:
    """Its thread hangs, and has not begun to listen."""
    microphone = Microphone(client, canceller.make)
    microphone.reader()
    await until(lambda: canceller.made == 1)
    yield microphone
    microphone.close()


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "microphone"]


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            QApplication.processEvents()
            await asyncio.sleep(0.01)


async def wait_heard(client: SoundClient, microphone: Microphone) -> None:
    """What the sound process hears reaches the microphone."""
    with closing(RingWriter(client.memory.captured, CAPTURED)) as writer:

        def is_heard() -> bool:
            writer.write(silence(SAMPLE_RATE_HZ // 50))
            return microphone.blocks > 0

        await until(is_heard)


async def test_closing_waits_for_no_thread_that_hangs(
    microphone: Microphone, canceller: SlowCanceller
) -> None:
    late = threading.Timer(1.0, canceller.may_begin.set)
    late.start()
    microphone.close()
    assert not canceller.may_begin.is_set()
    assert not microphone.is_open
    late.cancel()


async def test_opened_again_it_is_heard_once_the_former_thread_has_ended(
    client: SoundClient, microphone: Microphone, canceller: SlowCanceller
) -> None:
    """The two would read the same memory, and take each other's sound."""
    microphone.close()
    microphone.reader()
    assert not microphone.is_open
    canceller.may_begin.set()
    await wait_heard(client, microphone)
    assert canceller.made == 2
    assert len(threads()) == 1


async def test_closed_again_before_the_former_thread_has_ended_it_stays_closed(
    client: SoundClient, microphone: Microphone, canceller: SlowCanceller
) -> None:
    for _ in range(2):
        microphone.close()
        microphone.reader()
    microphone.close()
    (former,) = threads()
    canceller.may_begin.set()
    await until(lambda: not former.is_alive())
    assert not microphone.is_open
    assert canceller.made == 1
    microphone.reader()
    await wait_heard(client, microphone)


async def test_a_thread_that_outlives_the_microphone_emits_nothing_and_destroys_nothing_of_qt(
    client: SoundClient, canceller: SlowCanceller
) -> None:
    """An object of Qt's that is destroyed while a thread emits, or in the thread, may end the process."""
    assert not issubclass(CaptureThread, QObject)
    microphone: Microphone | None = Microphone(client, canceller.make)
    assert microphone is not None
    microphone.reader()
    await until(lambda: canceller.made == 1)
    microphone.close()
    left = weakref.ref(microphone)
    microphone = None
    assert left() is None, "the thread holds it"
    (thread,) = threads()
    canceller.may_begin.set()
    await until(lambda: not thread.is_alive())


@pytest.mark.logs("the microphone's thread failed")
async def test_a_bug_in_the_thread_is_said(client: SoundClient) -> None:
    def fail() -> SlowCanceller:
        raise ValueError("no canceller")

    microphone = Microphone(client, fail)
    said: list[AppError] = []
    microphone.failed.connect(said.append)
    microphone.reader()
    await until(lambda: bool(said))
    assert isinstance(said[0], BugError)
    microphone.close()
