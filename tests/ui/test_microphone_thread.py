"""The microphone's thread: it holds up nothing, however long it takes to end."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ, Block, silence
from atlas_desktop.media.shared_ring import RingWriter
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
def microphone(client: SoundClient, canceller: SlowCanceller, qtbot: QtBot) -> Iterator[Microphone]:
    """Its thread hangs, and has not begun to listen."""
    microphone = Microphone(client, canceller.make)
    microphone.reader()
    qtbot.waitUntil(lambda: canceller.made == 1)
    yield microphone
    microphone.close()


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "microphone"]


def wait_heard(client: SoundClient, microphone: Microphone, qtbot: QtBot) -> None:
    """What the sound process hears reaches the microphone."""
    with closing(RingWriter(client.memory.captured, CAPTURED)) as writer:

        def is_heard() -> bool:
            writer.write(silence(SAMPLE_RATE_HZ // 50))
            return microphone.blocks > 0

        qtbot.waitUntil(is_heard, timeout=10_000)


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
    client: SoundClient, microphone: Microphone, canceller: SlowCanceller, qtbot: QtBot
) -> None:
    """The two would read the same memory, and take each other's sound."""
    microphone.close()
    microphone.reader()
    assert not microphone.is_open
    canceller.may_begin.set()
    wait_heard(client, microphone, qtbot)
    assert canceller.made == 2
    assert len(threads()) == 1


async def test_closed_again_before_the_former_thread_has_ended_it_stays_closed(
    client: SoundClient, microphone: Microphone, canceller: SlowCanceller, qtbot: QtBot
) -> None:
    for _ in range(2):
        microphone.close()
        microphone.reader()
    microphone.close()
    (former,) = threads()
    canceller.may_begin.set()
    qtbot.waitUntil(lambda: not former.is_alive(), timeout=10_000)
    QApplication.processEvents()
    assert not microphone.is_open
    assert canceller.made == 1
    microphone.reader()
    wait_heard(client, microphone, qtbot)
