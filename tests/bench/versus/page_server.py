"""Serves Chromium's page on loopback, and asks the sender for its session, as a page's server does."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

PAGE = Path(__file__).parent / "page"
_LIBRARY = PAGE / "node_modules/livekit-client/dist/livekit-client.umd.js"
_SESSION = "/v1/realtime/session"


class PageServer:
    """Answers for one viewer. Thread: its loop's."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._headers = {"Authorization": f"Bearer {key}"}

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/viewer.js", self._script),
                web.get("/livekit-client.umd.js", self._library),
                web.post("/session", self._session),
                web.get("/stall", self._stall),
            ]
        )
        return app

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _script(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "viewer.js")

    async def _library(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_LIBRARY)

    async def _session(self, request: web.Request) -> web.Response:
        async with (
            aiohttp.ClientSession(headers=self._headers) as client,
            client.post(self._base + _SESSION, json={"mode": "conversation"}) as answer,
        ):
            return web.json_response(await answer.json())

    async def _stall(self, request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["ms"]) / 1000)
        return web.Response(text="")


@contextmanager
def page_server(base: str, key: str) -> Iterator[str]:
    """Serves during the block, in a thread; gives the page's address."""
    if not _LIBRARY.exists():
        raise FileNotFoundError("livekit-client is missing: run packaging/setup.sh run desk test bench")
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(PageServer(base, key).app(), access_log=None)

    async def begin() -> str:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/"

    thread = threading.Thread(target=loop.run_forever, name="page")
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
