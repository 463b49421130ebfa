"""What is left when native code aborts a process of ours."""

import os
import signal
from pathlib import Path

import psutil

from tests.desk.children import child_as
from tests.e2e.accessibility import poll
from tests.e2e.stage import Stage


def test_a_local_atlas_that_aborts_is_said_and_the_next_rehearsal_has_another(desk: Stage) -> None:
    with desk.open() as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        first = child_as("local", program.pid)
        os.kill(first.pid, signal.SIGABRT)
        program.wait_state("Failed", 60)
        program.wait_words("The connection to the avatar was lost")
        assert "local: Fatal Python error: Aborted" in program.log.read_text()
        program.back_to_start()
        program.rehearse_once()
        assert child_as("local", program.pid).pid != first.pid


def test_a_window_that_aborts_leaves_nothing_behind_but_its_stacks(desk: Stage) -> None:
    folder = desk.new_folder("abort")
    with desk.open(folder=folder) as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        children = psutil.Process(program.pid).children(recursive=True)
        assert children
        os.kill(program.pid, signal.SIGABRT)
        assert program.process.wait(20) == -signal.SIGABRT
        assert poll(lambda: not any(process.is_running() for process in children), 20.0), children
        stacks = Path(program.profile / "log" / "crash.log").read_text()
        assert "Fatal Python error: Aborted" in stacks
    with desk.open(folder=folder) as program:
        program.rehearse_once()
