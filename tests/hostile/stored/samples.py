"""Good examples of all that lies in a profile, written by the program's own hands."""

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant
from atlas_desktop.storage import atomic, billing_entry
from atlas_desktop.storage.billing_journal import BillingJournal
from atlas_desktop.storage.driver_crash_mark import DriverCrashMark
from atlas_desktop.storage.profile import Profile
from atlas_desktop.storage.settings_store import SettingsStore
from atlas_desktop.storage.transcripts import SavedMessage, TranscriptJournal
from atlas_desktop.storage.work import Clip, Work

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECRET = "ak_a_key_that_nobody_has"
ADDRESS = "https://atlas.example"
LIMITS = {
    "limit_session_usd": 1.5,
    "limit_day_usd": 7.25,
    "limit_session_s": 600.0,
    "limit_idle_s": 120.0,
    "limit_hang_s": 30.0,
}
WORK = Work((Clip("/home/somebody/a.wav", 5.0), Clip("/home/somebody/caf\udce9.wav")), "half a sentence")
TALK = [
    SavedMessage("1", "user", "Hello!", True, 1_700_000_000_000),
    SavedMessage("2", "agent", "Hi, \u0645\u0631\u062d\u0628\u0627 \U0001f600", True, 1_700_000_001_500),
    SavedMessage("3", "user", "What is the time?", True, 1_700_000_003_000, "not_sent"),
]
_GEOMETRY = base64.b64encode(bytes(range(66))).decode("ascii")


def write_settings(profile: Profile) -> Path:
    """With limits of which some are lower and some higher than the usual ones."""
    store = SettingsStore(profile.settings_file, write_after_s=60)
    store.change(**LIMITS, limits_seen=True, volume=35, window_geometry=_GEOMETRY, backend_url=ADDRESS)
    store.close()
    return profile.settings_file


def write_billing(profile: Profile) -> Path:
    """Sessions in every state, those that are open in between."""
    journal = BillingJournal(profile.billing_journal)
    for number, end in enumerate(("ended", "open", "refused", "open", "asked", "dismissed", "open")):
        begun = NOW - timedelta(hours=8 - number)
        ask = billing_entry.asked(
            "a-guard", "atlas", ADDRESS, SECRET, Mode.CONVERSATION, begun, SpendingLimits()
        )
        key = ask["key"]
        grant = SessionGrant(
            session_id_of(number), "wss://x", "token", price_per_hour_usd=10.0, max_duration_s=14_400.0
        )
        receipt = EndReceipt(grant.session_id, confirmed=True, duration_s=61.5, cost_usd=0.17)
        records = [ask]
        if end in ("ended", "open", "dismissed"):
            records.append(billing_entry.granted(key, grant, begun))
        if end == "ended":
            records.append(billing_entry.ended(key, receipt, "asked", 0.171, begun))
        if end == "refused":
            records.append(billing_entry.refused(key, "no_credit", begun))
        if end == "dismissed":
            records.append(billing_entry.dismissed(key, begun))
        for record in records:
            journal.append(record)
    return profile.billing_journal


def session_id_of(number: int) -> str:
    """Of a session in the journal; none of them is a part of another."""
    return f"ses_{number:02d}{'abcdef'[number % 6] * 12}"


def write_transcript(profile: Profile) -> Path:
    """A talk, one message of which came in pieces."""
    journal = TranscriptJournal(profile.transcripts_folder, NOW)
    journal.note(SavedMessage("2", "agent", "Hi", False, 1_700_000_001_500))
    for message in TALK:
        journal.note(message)
    journal.close()
    return journal.path


def write_mark(profile: Profile) -> Path:
    """The mark of a run that never came to its end."""
    mark = {"version": "1.0", "began": NOW.isoformat(), "crash_log": 12, "journals": ["a.jsonl"]}
    path = profile.folder / "running.json"
    path.write_text(json.dumps(mark), "utf-8")
    return path


def write_work(profile: Profile) -> Path:
    """What was in hand."""
    rows = [{"path": clip.path, "position_s": clip.position_s} for clip in WORK.clips]
    atomic.write_text(profile.work_file, json.dumps({"clips": rows, "draft": WORK.draft}))
    return profile.work_file


def write_driver_record(profile: Profile) -> Path:
    """The machine whose graphics driver failed."""
    DriverCrashMark(profile.folder).exclude("a machine")
    return profile.folder / "picture-path.json"


def write_trying(profile: Profile) -> Path:
    """The mark of a driver that took the program with it."""
    DriverCrashMark(profile.folder).set()
    return profile.folder / "picture-path.trying"


def write_face(profile: Profile) -> Path:
    """A picture that was pasted."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(out, "PNG")
    path = profile.folder / "pasted-face.png"
    path.write_bytes(out.getvalue())
    return path


def write_log(profile: Profile) -> Path:
    """What the run before wrote last."""
    write_mark(profile)
    profile.log_file.parent.mkdir(parents=True, exist_ok=True)
    profile.log_file.write_text("10:00:00 INFO a line\n10:00:01 INFO the last line\n", "utf-8")
    return profile.log_file
