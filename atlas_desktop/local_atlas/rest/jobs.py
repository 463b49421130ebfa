"""Offline jobs: audio and a picture become a video, rendered in a worker thread."""

import asyncio
import secrets
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from atlas_desktop.aio import TaskScope
from atlas_desktop.local_atlas.interfaces import AgentOutput, AvatarFactory, AvatarRenderer
from atlas_desktop.local_atlas.rest.accounts import AccountStore, utc_now
from atlas_desktop.local_atlas.rest.face_input import face_in
from atlas_desktop.local_atlas.rest.http_messages import (
    UPLOAD_LIMIT_BYTES,
    RefusedError,
    bad_request,
    json_response,
    not_found,
    read_form,
)
from atlas_desktop.local_atlas.rest.render import RenderFailedError, render

FILES_PATH = "/files/"
_URL_LIFE_S = 3600
_PAGE_DEFAULT = 20
_PAGE_LIMIT = 100
_MEDIA_TYPE = "video/mp4"
_HOUR_S = 3600
_MAX_PENDING = 8  # each keeps up to 50 MB of uploads in memory
_MAX_FINISHED = 100  # each keeps its video on disk


@dataclass(slots=True)
class Job:
    """One job: ``pending``, ``processing``, ``completed`` or ``failed``."""

    job_id: str
    audio: bytes
    image: bytes
    created_at: str
    status: str = "pending"
    error: str = ""
    completed_at: str | None = None
    duration_s: float = 0.0
    file: Path | None = None
    ticket: str = ""


class JobApi:
    """``/v1/generate`` and ``/v1/jobs``. Thread: the event loop's; rendering has one of its own.

    Args:
        base: The base URL of the results.
        create_avatar: Creates the avatar that is rendered.
    """

    def __init__(self, base: str, accounts: AccountStore, create_avatar: AvatarFactory) -> None:
        self._base = base
        self._accounts = accounts
        self._create_avatar = create_avatar
        self._jobs: dict[str, Job] = {}
        self._tickets: dict[str, tuple[str, float]] = {}
        self._scope = TaskScope("jobs")
        self._stop = threading.Event()
        self._thread: ThreadPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/generate", self._generate),
            web.get("/v1/jobs", self._list),
            web.get("/v1/jobs/{job_id}", self._read),
            web.get("/v1/jobs/{job_id}/result", self._result),
            web.get(FILES_PATH + "{ticket}", self._file),
        ]

    async def aclose(self) -> None:
        """Abort rendering and remove all results."""
        self._stop.set()
        await self._scope.aclose()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    async def _generate(self, request: web.Request) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise bad_request("invalid_form", "Send audio and image as files of a multipart form.")
        if request.headers.get("X-Callback-URL"):
            raise bad_request("callback_not_offered", "The local Atlas calls nobody back: ask for the job.")
        form = await read_form(request)
        audio, image = form.get("audio"), await face_in(form, "image")
        if not isinstance(audio, bytes) or not audio or image is None:
            raise bad_request("missing_file", "Both audio and image are needed, as files.")
        if len(audio) + len(image) > UPLOAD_LIMIT_BYTES:
            raise RefusedError(413, "payload_too_large", "Audio and image may have up to 50 MB together.")
        if self._accounts.credit_cents <= 0:
            raise RefusedError(402, "insufficient_credits", "The account has no credit left.")
        self._limit_jobs()
        job = Job(f"job_{secrets.token_hex(10)}", audio, image, utc_now())
        self._jobs[job.job_id] = job
        self._scope.start(self._work(job), job.job_id)
        return json_response({"job_id": job.job_id, "status": job.status}, 202)

    async def _list(self, request: web.Request) -> web.Response:
        limit = min(_query_int(request, "limit", _PAGE_DEFAULT), _PAGE_LIMIT)
        offset = _query_int(request, "offset", 0)
        newest_first = list(reversed(self._jobs.values()))
        page = [self._view(job) for job in newest_first[offset : offset + limit]]
        return json_response({"jobs": page, "total": len(newest_first), "limit": limit, "offset": offset})

    async def _read(self, request: web.Request) -> web.Response:
        return json_response(self._view(self._job(request)))

    async def _result(self, request: web.Request) -> web.Response:
        job = self._job(request)
        if job.status != "completed":
            raise RefusedError(409, "not_ready", f"The job is {job.status}.")
        return json_response({"url": self._url(job), "content_type": _MEDIA_TYPE, "expires_in": _URL_LIFE_S})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        job_id, until_s = self._tickets.get(request.match_info["ticket"], ("", 0.0))
        job = self._jobs.get(job_id)
        if job is None or job.file is None or time.monotonic() > until_s:
            raise not_found("file")
        return web.FileResponse(job.file, headers={"Content-Type": _MEDIA_TYPE})

    def _limit_jobs(self) -> None:
        """Remove the oldest results; refuse a job while many are pending, each with its files in memory."""
        if self._stop.is_set():
            raise RefusedError(503, "no_capacity", "The local Atlas is closing.")
        if len(self._scope) >= _MAX_PENDING:
            raise RefusedError(429, "rate_limited", "Many jobs wait already.", {"Retry-After": "10"})
        done = [job for job in self._jobs.values() if job.status in ("completed", "failed")]
        for job in done[: max(0, len(done) - _MAX_FINISHED)]:
            del self._jobs[job.job_id]
            self._tickets.pop(job.ticket, None)
            if job.file is not None:
                job.file.unlink(missing_ok=True)

    async def _work(self, job: Job) -> None:
        if self._thread is None or self._folder is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")
            self._folder = tempfile.TemporaryDirectory(prefix="local-atlas-")
        path = Path(self._folder.name) / f"{job.job_id}.mp4"
        renderer = self._create_avatar("passthrough", job.image, AgentOutput()).renderer
        loop = asyncio.get_running_loop()
        try:
            job.duration_s = await loop.run_in_executor(self._thread, self._render, job, renderer, path)
        except RenderFailedError as error:
            job.status, job.error = "failed", error.params["detail"]
            return
        finally:
            job.audio = job.image = b""
        job.file, job.completed_at, job.status = path, utc_now(), "completed"
        self._accounts.deduct(job.duration_s / _HOUR_S * self._accounts.terms.render_price_per_hour_usd)

    def _render(self, job: Job, renderer: AvatarRenderer, path: Path) -> float:
        job.status = "processing"
        return render(job.audio, renderer, path, self._stop)

    def _job(self, request: web.Request) -> Job:
        job = self._jobs.get(request.match_info["job_id"])
        if job is None:
            raise not_found("job")
        return job

    def _view(self, job: Job) -> dict[str, object]:
        view: dict[str, object] = {
            "job_id": job.job_id,
            "status": job.status,
            "created_at": job.created_at,
            "completed_at": job.completed_at,
        }
        if job.error:
            view["error"] = job.error
        if job.file is not None:
            view |= {"url": self._url(job), "duration_seconds": round(job.duration_s, 3)}
        return view

    def _url(self, job: Job) -> str:
        # Like a presigned URL: valid for an hour, without the API key.
        job.ticket = job.ticket or secrets.token_urlsafe(24)
        self._tickets[job.ticket] = (job.job_id, time.monotonic() + _URL_LIFE_S)
        return f"{self._base}{FILES_PATH}{job.ticket}"


def _query_int(request: web.Request, name: str, default: int) -> int:
    try:
        value = int(request.query.get(name, default))
    except ValueError as error:
        raise bad_request("bad_value", f"{name} must be a whole number.") from error
    if value < 0:
        raise bad_request("bad_value", f"{name} must not be negative.")
    return value
