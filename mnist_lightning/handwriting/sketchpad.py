"""The server of the page to draw on: for this machine's own browser alone."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

HOST = "127.0.0.1"
MOST_BYTES = 1_000_000  # of a drawing
SECONDS = 10.0  # that a connection may stay open
# Nothing is fetched from elsewhere, and no other site shows the page as its own
POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)

Answer = Mapping[str, Any]


class Sketchpad(ThreadingTCPServer):
    """Serve a page, and answer each drawing that it sends.

    Args:
        port: To listen on; 0: any that is free.
        page: What ``/`` shows, in HTML.
        answer: Is given what was posted to ``/digit``, in a thread of its own; what it says is sent
            back as JSON.

    Attributes:
        url: Where the page is.
        names: Of the server, with the port, as browsers may call it.

    Raises:
        OSError: The port is taken or not ours to take.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, page: str, answer: Callable[[bytes], Answer]) -> None:
        super().__init__((HOST, port), _Request)
        self.page, self.answer = page, answer
        self.names = [f"{host}:{self.server_address[1]}" for host in (HOST, "localhost")]
        self.url = f"http://{self.names[0]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Request(BaseHTTPRequestHandler):
    server: Sketchpad

    def setup(self) -> None:
        super().setup()
        self.limit = threading.Timer(SECONDS, self._cut)
        self.limit.daemon = True
        self.limit.start()

    def finish(self) -> None:
        self.limit.cancel()
        super().finish()

    def do_GET(self) -> None:
        if self._refused("/"):
            return
        self._reply("text/html; charset=utf-8", self.server.page)

    def do_POST(self) -> None:
        if self._refused("/digit"):
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self.send_error(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
            return self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        drawing = self.rfile.read(int(length))
        if len(drawing) == int(length):
            self._reply("application/json", json.dumps(self.server.answer(drawing)))

    def _refused(self, path: str) -> bool:
        """Refuse what is not there, and pages of other sites, under whatever name they come."""
        own = [f"http://{name}" for name in self.server.names]
        foreign = self.headers.get("Host") not in self.server.names or (
            self.headers.get("Origin", own[0]) not in own
        )
        if foreign:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path != path:
            self.send_error(HTTPStatus.NOT_FOUND)
        return foreign or self.path != path

    def _reply(self, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""
