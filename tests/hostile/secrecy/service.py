"""A service over HTTP that gives back the bearer that it was sent, in another place and form each time."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.hostile.secrecy.echoes import PLACES
from tests.hostile.secrecy.forms import FORMS


class EchoService:
    """Serves on loopback; every create takes the next place, every other end is refused.

    Args:
        trials: Places and forms, in order; the last one stays.

    Attributes:
        bearers: What it was sent.
    """

    def __init__(self, trials: Sequence[tuple[str, str]]) -> None:
        self.bearers: list[str] = []
        self._trials = list(trials)
        self._chance = random.Random(1)
        self._ends = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["EchoService"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def _answer(self, method: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        bearer = authorization.removeprefix("Bearer ")
        self.bearers.append(bearer)
        if method == "DELETE":
            self._ends += 1
            if self._ends % 2 == 0:
                return 204, {}, b""
            place, form = "a message", "any case"
        else:
            place, form = self._trials.pop(0) if len(self._trials) > 1 else self._trials[0]
        answer = PLACES[place](FORMS[form](bearer, self._chance))
        return answer.status_code, dict(answer.headers), answer.content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                authorization = self.headers.get("authorization", "")
                status, headers, content = service._answer(self.command, authorization)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_DELETE = do_GET = do_POST  # noqa: N815 - the library's own names

            def log_message(self, *_words: Any) -> None:
                """Says nothing."""

        return Handler
