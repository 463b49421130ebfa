"""A computer where something is missing: no sound device, no keyring, a port that is taken."""

import subprocess
import sys
from urllib.parse import urlsplit

from tests.desk.bus import session_bus
from tests.e2e.stage import Stage


def test_without_any_sound_device_the_picture_goes_on(desk: Stage) -> None:
    with desk.open(PULSE_SERVER="unix:/nonexistent", ALSA_CONFIG_PATH="/dev/null") as program:
        program.screen.press("Rehearse")
        program.wait_state("Live")
        program.wait_notice("There is no speaker")
        program.wait_transcript(r"^Atlas, \d\d:\d\d, \w")
        program.screen.wait("check box", "Microphone").press()
        program.wait_notice("There is no microphone")
        program.end_session()


def test_without_a_keyring_the_key_is_kept_for_this_run(desk: Stage) -> None:
    env = {**desk.env, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    with desk.serve() as atlas:
        with desk.open(env=env, ATLAS_API_BASE=atlas.base) as program:
            desk.paste(program, "API key", atlas.key)
            program.screen.press("Start")
            program.wait_notice("keyring can't be used")
            program.end_session()
            program.back_to_start()
            program.wait_words("Kept for this run only, in memory.")
            program.rehearse_once()
        atlas.wait_all_ended()


def test_a_locked_keyring_that_nobody_opens_holds_nothing_up(desk: Stage) -> None:
    # On a bus of its own a keyring is started that asks for its password: nobody answers.
    with session_bus(desk.env) as env, desk.open(env=env) as program:
        program.rehearse_once()
        program.back_to_start()
        program.wait_words("it may be locked")


def test_a_taken_port_is_said_in_one_line(desk: Stage) -> None:
    with desk.serve() as served:
        port = urlsplit(served.base).port
        done = subprocess.run(
            [sys.executable, "-m", "atlas_desktop", "local", "--port", str(port)],
            env=desk.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert str(port) in done.stderr
