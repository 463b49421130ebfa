"""Session ids that hold a secret: a service may put the key that it was sent into the id that it gives.

Such a session must be ended all the same, after a crash, too; and the key is written nowhere. So the journal
has the id with a blank in it, and beside that the whole of it, sealed with the key or token that made the
session: nobody else can end it anyway.
"""

import hashlib

from atlas_desktop.redaction import known

_MARK_DIGITS = 8


def public_id(session_id: str) -> str:
    """Return the id as it may be shown and written; one that holds no secret is as it was.

    A mark tells such ids apart.
    """
    shown = known.blank(session_id)
    return session_id if shown == session_id else f"{shown}{_mark(session_id)}"


def sealed_id(entry_key: str, session_id: str, secret: str) -> str:
    """Return the id so that only who has ``secret`` can read it. ``entry_key`` must be used once."""
    content = session_id.encode("utf-8", "surrogatepass")
    return _mixed(entry_key, content, secret).hex()


def opened_id(entry_key: str, shown: str, sealed: str, secret: str) -> str:
    """Return the id that ``sealed_id`` was given; for another secret the id as it is shown.

    One that was sealed without a secret is read, too.
    """
    for one in (secret, ""):
        try:
            opened = _mixed(entry_key, bytes.fromhex(sealed), one).decode("utf-8", "surrogatepass")
        except ValueError:
            continue
        if shown.endswith(_mark(opened)):
            return opened
    return shown


def _mark(session_id: str) -> str:
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"#{digest[:_MARK_DIGITS]}"


def _mixed(entry_key: str, content: bytes, secret: str) -> bytes:
    """``content`` with a key stream. SHAKE takes a secret as a prefix (FIPS 202: no length extension)."""
    prefix = f"session id {entry_key} ".encode()
    stream = hashlib.shake_256(prefix + secret.encode("utf-8", "replace")).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))
