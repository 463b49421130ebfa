"""Trusted certificates of all connections of this program."""

import functools
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from atlas_desktop.errors import CertificatesError, KeyLogError, MediaError
from atlas_desktop.files import FileThreads, open_regular
from atlas_desktop.native_environment import KEY_LOG
from atlas_desktop.private_files import open_private

_FILE: Final = "SSL_CERT_FILE"
_FOLDER: Final = "SSL_CERT_DIR"
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""OpenSSL looks up a certificate in a folder by the hash of its subject's name."""


async def loaded_certificates(limit_s: float = 15.0) -> ssl.SSLContext:
    """Return ``certificates()`` without blocking the loop, and with a time limit for a dead disk.

    Raises:
        CertificatesError: As ``certificates``, or the disk does not answer.
        KeyLogError: As ``certificates``.
    """
    if certificates.cache_info().currsize:
        return certificates()
    name = _named() or KEY_LOG
    try:
        return await FileThreads("certificates", limit_s).call(Path(os.environ.get(name, "")), certificates)
    except MediaError as error:
        raise CertificatesError(name=name, detail="no answer in time") from error


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return the TLS context of a client, created once.

    The first call blocks for 20 ms and more, and as long as a disk does not answer.

    Trusts what ``SSL_CERT_FILE`` names, else ``SSL_CERT_DIR``; else Mozilla's list and this computer's
    own, where a network with TLS inspection has installed its certificate. Rooms use the same rule.

    Raises:
        CertificatesError: What the environment names does not exist, or holds no certificate.
        KeyLogError: The file that ``SSLKEYLOGFILE`` names can't be written.
    """
    # OpenSSL's errors name none of them; it waits for a pipe, and trusts nobody with an empty folder.
    _check_key_log(os.environ.get(KEY_LOG, ""))
    named = _named()
    if named == _FILE:
        _check_file(os.environ[_FILE])
    elif named == _FOLDER:
        _check_folders(os.environ[_FOLDER])
    try:
        context = httpx.create_ssl_context()
        if not named:
            context.load_default_certs()
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError.
        raise CertificatesError(name=named or _FILE, detail=_words_of(error)) from error
    return context


def _named() -> str:
    return next((name for name in (_FILE, _FOLDER) if os.environ.get(name)), "")


def _check_file(path: str) -> None:
    try:
        open_regular(Path(path)).close()
    except (MediaError, OSError) as error:
        raise CertificatesError(name=_FILE, detail=_words_of(error)) from error


def _check_folders(paths: str) -> None:
    """Check that one of the folders holds a certificate."""
    problem: Exception | None = None
    for folder in filter(None, paths.split(os.pathsep)):
        try:
            for path in _hashed_in(Path(folder)):
                open_regular(path).close()
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
                return
        except (MediaError, OSError, ValueError) as error:
            problem = error
    detail = _words_of(problem) if problem is not None else "no certificate is there by its hash"
    raise CertificatesError(name=_FOLDER, detail=detail) from problem


def _hashed_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if _HASHED.fullmatch(path.name))


def _check_key_log(path: str) -> None:
    """Open it as OpenSSL will, but do not wait for a reader of a pipe."""
    if not path:
        return
    try:
        os.close(open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    except (OSError, ValueError) as error:
        raise KeyLogError(name=KEY_LOG, detail=_words_of(error)) from error


def _words_of(error: Exception) -> str:
    if isinstance(error, MediaError):
        return str(error.params.get("detail") or type(error.__cause__ or error).__name__)
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
