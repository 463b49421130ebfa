"""Session ids that hold a secret: a service may echo the key that it was sent in the id that it gives.

Such a session must be ended all the same, also after a crash, while the key is never written. So the journal
stores the id redacted, and beside it the whole id encrypted with the key or token that created the
session, without which nobody can end it anyway.
"""

import hashlib

from atlas_desktop.redaction import known

_MARK_DIGITS = 8


def public_id(session_id: str) -> str:
    """Return the id as it may be shown and written; one without a secret is unchanged.

    A hash suffix keeps redacted ids distinct.
    """
    shown = known.blank(session_id)
    return session_id if shown == session_id else f"{shown}{_mark(session_id)}"


def sealed_id(entry_key: str, session_id: str, secret: str) -> str:
    """Encrypt the id with ``secret``. ``entry_key`` must be used once."""
    content = session_id.encode("utf-8", "surrogatepass")
    return _mixed(entry_key, content, secret).hex()


def opened_id(entry_key: str, shown: str, sealed: str, secret: str) -> str:
    """Decrypt what ``sealed_id`` returned; with another secret return the id as shown.

    An id that was encrypted without a secret is decrypted, too.
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
    """Return ``content`` xor a key stream.

    SHAKE with a secret prefix is safe: FIPS 202, no length extension.
    """
    prefix = f"session id {entry_key} ".encode()
    stream = hashlib.shake_256(prefix + secret.encode("utf-8", "replace")).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))
