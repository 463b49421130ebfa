"""Sessions over HTTP: Atlas with a key, and a backend in front of it."""

import logging
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote

import httpx

from atlas_desktop.api.address import (
    DEFAULT_BASE,
    below,
    checked_picture_url,
    host_of,
    normalise_backend,
    normalise_base,
)
from atlas_desktop.api.exchange import Exchange, FileField, Received
from atlas_desktop.api.grants import check_over, grant_in, receipt_in, session_id_within, status_in
from atlas_desktop.api.mapping import body_of, create_error_of, error_detail_of, error_of
from atlas_desktop.api.response import HttpResponse
from atlas_desktop.api.source import EndReceipt, Face, IdCallback, Mode, SessionGrant, SessionStatus
from atlas_desktop.errors import AppError, BadAnswerError, RejectedError

log = logging.getLogger(__name__)

CREATE_LIMIT_S = 120.0
PATCH_LIMIT_S = 120.0
END_LIMIT_S = 60.0
VIEWER_LIMIT_S = 60.0
READ_LIMIT_S = 30.0

_SESSIONS_PATH = ("v1", "realtime", "session")
_OUR_REHEARSAL = "this computer"
_ENDED_REASONS = ("already_ended", "session_already_ended", "session_ended")
_UNSURE_STATUSES = (401, 403, 404, 405, 501)
_EXTENSIONS = {"image/jpeg": "jpg", "image/webp": "webp"}


class HttpSource:
    """A ``SessionSource`` whose sessions are created at ``collection`` and addressed below it.

    Every call is one request: nothing is retried here.

    Attributes:
        face_url_names: The spellings in which a create's JSON names the face's address.
        offers_all: False where a 404 on a viewer or a new face means that the call is not offered.
    """

    face_url_names: ClassVar[tuple[str, ...]] = ("face_url",)
    offers_all: ClassVar[bool] = True

    def __init__(
        self,
        collection: str,
        bearer: str | None,
        *,
        label: str,
        billed: bool = True,
        own_ids: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._collection = collection
        self._exchange = Exchange(collection, bearer, transport)
        self._label = label
        self._billed = billed
        self._own_ids = set(own_ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._exchange.host!r}, billed={self._billed})"

    @property
    def label(self) -> str:
        return self._label

    @property
    def billed(self) -> bool:
        return self._billed

    @property
    def retries_end(self) -> bool:
        return False

    def keep_warm(self) -> None:
        """Keep a connection to the service ready for the next request, from now on; return at once."""
        self._exchange.keep_warm()

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        """Make a session, and look for its id before anything else of the answer.

        Raises:
            ServiceError: The service refused or could not be reached.
            BadRoomAddressError: The room's address is not wss://, nor ws:// to this computer. On any error,
                ``params["session_id"]`` names a session that was created all the same: it must be ended.
        """
        body, form, files = None, None, None
        if face is not None and face.content is not None:
            form, files = {"mode": mode.value}, {"face": _file_field(face)}
        else:
            url = checked_picture_url(face.url) if face is not None and face.url else None
            body = {"mode": mode.value} | (dict.fromkeys(self.face_url_names, url) if url else {})
        received, session_id = Received(), ""
        try:
            answer = await self._exchange.call(
                "POST",
                self._collection,
                CREATE_LIMIT_S,
                body=body,
                form=form,
                files=files,
                received=received,
            )
            session_id = self._made_in(received, on_id)
            if not answer.ok:
                raise create_error_of(answer, mode.value)
            grant = grant_in(body_of(answer), mode, answer.host, billed=self._billed)
            self._check_room(grant)
            return grant
        except AppError as error:
            # Also for an incomplete response.
            session_id = session_id or self._made_in(received, on_id)
            if session_id:
                error.params["session_id"] = session_id
            raise

    async def patch_face(self, session_id: str, face: Face) -> None:
        if face.content is None:
            raise RejectedError(status=0, detail="a live session takes a face as a file only")
        answer = await self._exchange.call(
            "PATCH", self._session_url(session_id), PATCH_LIMIT_S, files={"face": _file_field(face)}
        )
        self._check_offer(answer, "another face")
        body_of(answer)

    async def end(self, session_id: str) -> EndReceipt:
        """End the session, with one request.

        Returns:
            A confirmed receipt when the service ended it now or had before. An unconfirmed one when
            the answer (401, 403, a 404 that is not Atlas's, or about a session that this source did
            not make; 405 or 501: there is no such call) says nothing about the session: it may still
            be open.

        Raises:
            ServiceError: Anything that may pass: retrying makes sense.
        """
        url = self._session_url(session_id)
        answer = await self._exchange.call("DELETE", url, END_LIMIT_S)
        problem = error_detail_of(answer)
        if problem.code in _ENDED_REASONS and (answer.ok or answer.status == 409):
            return receipt_in(answer.json(), session_id)
        if answer.ok:
            body = body_of(answer)
            check_over(body, session_id, answer.host)
            return receipt_in(body, session_id)
        if answer.status == 404 and problem.code and session_id in self._own_ids:
            return EndReceipt(session_id, confirmed=True)
        if answer.status in _UNSURE_STATUSES:
            log.warning("the end of %s is not confirmed: %s %s", session_id, answer.status, problem.detail)
            return EndReceipt(session_id, confirmed=False)
        raise error_of(answer)

    async def status(self, session_id: str) -> SessionStatus:
        answer = await self._exchange.call("GET", self._session_url(session_id), READ_LIMIT_S)
        return status_in(body_of(answer), session_id)

    async def viewer(self, session_id: str) -> SessionGrant:
        url = self._session_url(session_id, "viewer")
        answer = await self._exchange.call("POST", url, VIEWER_LIMIT_S)
        self._check_offer(answer, "viewers")
        grant = grant_in(
            body_of(answer), Mode.CONVERSATION, answer.host, billed=self._billed, session_id=session_id
        )
        self._check_room(grant)
        return grant

    async def aclose(self) -> None:
        await self._exchange.aclose()

    def _check_offer(self, answer: HttpResponse, what: str) -> None:
        if answer.status == 404 and not self.offers_all:
            raise RejectedError(status=404, detail=f"{answer.host} does not offer {what}")

    def _session_url(self, session_id: str, *rest: str) -> str:
        # Quoted whole: an id is used as the server gave it, whatever its form.
        name = quote(session_id, safe="", errors="surrogatepass")
        # A path segment of dots alone would lead elsewhere.
        return below(self._collection, name if name.strip(".") else name.replace(".", "%2E"), *rest)

    def _made_in(self, received: Received, on_id: IdCallback | None) -> str:
        """Return the id of the session that was made, as far as the answer has come; empty for none."""
        session_id = session_id_within(received.content) if _may_have_made(received.status) else ""
        if session_id:
            self._own_ids.add(session_id)
            if on_id is not None:
                on_id(session_id)
        return session_id

    def _check_room(self, grant: SessionGrant) -> None:
        """Refuse a room that would be given the key: it goes to the address that it is for alone."""
        if self._exchange.hands_on_bearer(grant.livekit_url, grant.token):
            host = self._exchange.host
            raise BadAnswerError(host=host, status=200, detail="it would hand the key on to the room")


class AtlasSource(HttpSource):
    """Sessions at Atlas, with a key. Satisfies ``SessionSource``.

    Args:
        key: The API key; it is sent to ``base`` only and shown nowhere.
        base: Address of the service; https, or this computer.
        billed: False only for the local Atlas of our own rehearsal.
        own_ids: Sessions created earlier with exactly this base and key: for these, and those created
            through this source, a 404 in Atlas's own format means that they are over.
        transport: Replaces the network in tests.

    Raises:
        InsecureAddressError: ``base`` is neither https nor on this computer.
    """

    def __init__(
        self,
        key: str,
        base: str = DEFAULT_BASE,
        *,
        billed: bool = True,
        own_ids: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base = normalise_base(base)
        super().__init__(
            below(self.base, *_SESSIONS_PATH),
            key,
            label=host_of(self.base) if billed else _OUR_REHEARSAL,
            billed=billed,
            own_ids=own_ids,
            transport=transport,
        )


class BackendSource(HttpSource):
    """Sessions at a backend. Satisfies ``SessionSource``.

    Requests carry both spellings in use (``faceUrl`` and ``face_url``), responses may use either.

    Args:
        url: The address that a POST creates a session at; https, or this computer.
        bearer: A token that the backend requires, if any; not an Atlas key.
        own_ids: Sessions created earlier at exactly this backend.
        transport: Replaces the network in tests.

    Raises:
        InsecureAddressError: ``url`` is neither https nor on this computer.
    """

    face_url_names: ClassVar[tuple[str, ...]] = ("faceUrl", "face_url")
    offers_all: ClassVar[bool] = False

    def __init__(
        self,
        url: str,
        bearer: str | None = None,
        *,
        own_ids: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = normalise_backend(url)
        super().__init__(self.url, bearer, label=host_of(self.url), own_ids=own_ids, transport=transport)


def _may_have_made(status: int) -> bool:
    """Return whether a failed create may have made the session that its body names; a 4xx names another's."""
    return status < 400 or status >= 500


def _file_field(face: Face) -> FileField:
    assert face.content is not None
    # The file's own name is not sent: it may reveal more than the face.
    return f"face.{_EXTENSIONS.get(face.media_type, 'png')}", face.content, face.media_type
