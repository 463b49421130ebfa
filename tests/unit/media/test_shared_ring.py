import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from atlas_desktop.media.shared_memory import SharedMemory
from atlas_desktop.media.shared_ring import RingReader, RingShape, RingWriter
from tests.unit.media.stand_ins import count_up

SHAPE = RingShape(10, channels=1)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def make(stack: ExitStack, shape: RingShape = SHAPE) -> tuple[RingWriter, RingReader]:
    memory = SharedMemory.create(shape.size)
    stack.callback(memory.close)
    writer, reader = RingWriter(memory.view, shape), RingReader(memory.view, shape)
    stack.callback(writer.close)
    stack.callback(reader.close)
    writer.wakes = reader.port
    return writer, reader


def test_what_is_written_comes_back_in_order_across_the_edge(stack: ExitStack) -> None:
    writer, reader = make(stack)
    sent = count_up(2000).reshape(-1, 1)
    got = []
    for start in range(0, 2000, 400):
        writer.write(sent[start : start + 400])
        got += [reader.read(150), reader.read(250)]
    assert np.array_equal(np.concatenate(got), sent)
    assert writer.overruns == 0


def test_a_full_ring_loses_the_oldest_and_says_so(stack: ExitStack) -> None:
    writer, reader = make(stack)
    writer.write(count_up(400).reshape(-1, 1))
    writer.write(count_up(200, start=401).reshape(-1, 1))
    assert reader.level_samples == 480
    assert reader.read(480).ravel().tolist() == count_up(480, start=121).tolist()
    assert writer.overruns == 1


def test_a_block_larger_than_the_ring_keeps_its_end(stack: ExitStack) -> None:
    writer, reader = make(stack)
    writer.write(count_up(1000).reshape(-1, 1))
    assert reader.read(9999).ravel().tolist() == count_up(480, start=521).tolist()


def test_mono_into_stereo_is_doubled(stack: ExitStack) -> None:
    writer, reader = make(stack, RingShape(10, channels=2))
    writer.write(np.full((3, 1), 7, np.int16))
    assert reader.read(10).tolist() == [[7, 7]] * 3
    assert reader.read(480).shape == (0, 2)


def test_skip_and_clear_are_no_overruns(stack: ExitStack) -> None:
    writer, reader = make(stack)
    writer.write(count_up(300).reshape(-1, 1))
    assert reader.skip(100) == 100
    assert reader.skip(-5) == 0
    assert reader.read(1)[0, 0] == 102
    writer.clear()
    assert writer.level_samples == reader.level_samples == 0
    writer.write(count_up(5).reshape(-1, 1))
    assert reader.read(480).ravel().tolist() == count_up(5).tolist()
    assert writer.overruns == 0


def test_a_new_reader_begins_with_what_is_written_from_now_on(stack: ExitStack) -> None:
    memory = SharedMemory.create(SHAPE.size)
    stack.callback(memory.close)
    writer = RingWriter(memory.view, SHAPE)
    stack.callback(writer.close)
    writer.write(count_up(100).reshape(-1, 1))
    reader = RingReader(memory.view, SHAPE)
    stack.callback(reader.close)
    assert reader.level_samples == 0
    writer.write(count_up(3).reshape(-1, 1))
    assert reader.read(480).ravel().tolist() == count_up(3).tolist()


def test_a_waiting_reader_is_woken_by_the_writer(stack: ExitStack) -> None:
    writer, reader = make(stack)
    woken: list[bool] = []
    waiting = threading.Thread(target=lambda: woken.append(reader.wait(480, 5.0)))
    waiting.start()
    writer.write(np.ones((479, 1), np.int16))
    writer.write(np.ones((1, 1), np.int16))
    waiting.join(10.0)
    assert woken == [True]
    assert not reader.wait(481, 0.01)


def test_a_reader_may_be_woken_for_nothing(stack: ExitStack) -> None:
    _, reader = make(stack)
    waiting = threading.Thread(target=lambda: reader.wait(1, 60.0))
    waiting.start()
    reader.wake()
    waiting.join(10.0)
    assert not waiting.is_alive()
    # Once only.
    assert not reader.wait(1, 0.01)


def test_a_writer_whose_reader_has_gone_is_not_held_up(stack: ExitStack) -> None:
    writer, reader = make(stack)
    reader.wait(1, 0.0)
    reader.close()
    began_s = time.monotonic()
    for _ in range(1000):
        writer.write(np.ones((480, 1), np.int16))
    assert time.monotonic() - began_s < 3.0


_CHILD = """
import sys
import numpy as np
from atlas_desktop.media.shared_memory import SharedMemory
from atlas_desktop.media.shared_ring import RingReader, RingShape
shape = RingShape(50, channels=2)
reader = RingReader(SharedMemory(sys.argv[1], shape.size).view, shape)
print(reader.port, flush=True)
whole = []
while sum(map(len, whole)) < 480_000 and reader.wait(1, 20.0):
    whole.append(reader.read(9999))
sound = np.concatenate(whole)
print(len(sound), bool((np.diff(sound[:, 0].astype(np.int64)) % 30_000 == 1).all()), flush=True)
"""


def test_another_process_reads_every_sample_once_and_in_order(stack: ExitStack) -> None:
    shape = RingShape(50, channels=2)
    memory = SharedMemory.create(shape.size)
    stack.callback(memory.close)
    writer = RingWriter(memory.view, shape)
    stack.callback(writer.close)
    words = [sys.executable, "-c", _CHILD, memory.name]
    child = subprocess.Popen(words, pass_fds=memory.inherited, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    writer.wakes = int(child.stdout.readline())
    sound = (np.arange(480_000) % 30_000).astype(np.int16).reshape(-1, 1)
    for start in range(0, len(sound), 480):
        until_s = time.monotonic() + 20
        while writer.level_samples > writer.capacity_samples - 480 and time.monotonic() < until_s:
            os.sched_yield()
        writer.write(sound[start : start + 480])
    said, _ = child.communicate(timeout=30)
    assert said.split() == ["480000", "True"]


def test_a_reader_that_is_overrun_while_it_reads_returns_nothing_torn(stack: ExitStack) -> None:
    writer, reader = make(stack)
    stopping = threading.Event()

    def overrun() -> None:
        number = 0
        while not stopping.is_set():
            writer.write(((np.arange(97) + number) % 30_000).astype(np.int16).reshape(-1, 1))
            number += 97

    writing = threading.Thread(target=overrun)
    writing.start()
    until_s, steps = time.monotonic() + 1.0, set()
    while time.monotonic() < until_s:
        block = reader.read(480)[:, 0].astype(np.int64)
        steps |= set((np.diff(block) % 30_000).tolist())
    stopping.set()
    writing.join()
    assert steps == {1}
