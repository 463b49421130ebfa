"""The picture by OpenGL (here Mesa's), without any, and after a driver took the program with it."""

import os
import signal

from tests.e2e.accessibility import poll
from tests.e2e.eyes import middle, wait_moving
from tests.e2e.program import Window
from tests.e2e.stage import Stage

FAILED = "The graphics driver failed"


def says(program: Window, words: str) -> bool:
    return words in program.log.read_text("utf-8")


def test_opengl_shows_the_picture_under_what_lies_on_it(desk: Stage) -> None:
    with desk.open(ATLAS_PICTURE="gl", LIBGL_ALWAYS_SOFTWARE="1") as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        frame = program.screen.wait("frame", "Atlas Desktop")
        wait_moving(desk.env, middle(frame.box, 0.3))
        assert says(program, "OpenGL paints the picture")
        program.end_session()


def test_without_any_opengl_the_processor_paints(desk: Stage) -> None:
    # Qt's X11 platform then offers neither GLX nor EGL.
    with desk.open(ATLAS_PICTURE="gl", QT_XCB_GL_INTEGRATION="none") as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        frame = program.screen.wait("frame", "Atlas Desktop")
        wait_moving(desk.env, middle(frame.box, 0.3))
        assert says(program, "the processor paints the picture")
        program.end_session()


def test_a_driver_that_kills_the_program_is_left_alone_and_that_is_said_once(desk: Stage) -> None:
    folder = desk.new_folder("crashed")
    with desk.open(folder=folder, ATLAS_PICTURE="gl", LIBGL_ALWAYS_SOFTWARE="1") as program:
        program.screen.press("Rehearse")
        # What a driver does that crashes while it shows the first picture.
        mark = program.profile / "picture-path.trying"
        assert poll(mark.exists, 10.0, every_s=0.005)
        os.killpg(program.pid, signal.SIGKILL)
        program.process.wait(5)
    with desk.open(folder=folder) as program:
        program.wait_notice(FAILED)
        program.rehearse_once()
    with desk.open(folder=folder) as program:
        program.rehearse_once()
        assert program.screen.find("label", f"(?s)Notice: .*{FAILED}.*") is None
