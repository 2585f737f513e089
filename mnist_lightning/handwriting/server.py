"""An HTTP server of one page and one function, for this machine's own browser alone."""

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
MAX_BYTES = 1_000_000  # of a drawing
SECONDS = 10.0  # that a connection may stay open
HEADERS = {
    "Cache-Control": "no-store",
    # nothing is fetched from elsewhere, and no other site shows the page as its own
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

Answer = Mapping[str, Any]


class DrawingServer(ThreadingTCPServer):  # HTTPServer would ask the network for the host's name
    """Serve a page, and answer each drawing that it posts.

    Args:
        port: To listen on; 0: any that is free.
        page: HTML of ``/``.
        answer: Called with what is posted to ``/digit``, each in a thread of its own; what it
            returns is sent as JSON.

    Attributes:
        url: Of the page.
        names: Host names with the port, by which browsers may call the server.

    Raises:
        OSError: The port is taken or not ours to take.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, page: str, answer: Callable[[bytes], Answer]) -> None:
        super().__init__((HOST, port), _Handler)
        self.page, self.answer = page, answer
        self.names = [f"{host}:{self.server_address[1]}" for host in (HOST, "localhost")]
        self.url = f"http://{self.names[0]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: DrawingServer

    def setup(self) -> None:
        """Start the clock: a socket's timeout would begin anew with each byte that drips in."""
        super().setup()
        self.timer = threading.Timer(SECONDS, self._cut)
        self.timer.daemon = True
        self.timer.start()

    def finish(self) -> None:
        self.timer.cancel()
        super().finish()

    def do_GET(self) -> None:
        if self._allow("/"):
            self._reply("text/html; charset=utf-8", self.server.page)

    def do_POST(self) -> None:
        if not self._allow("/digit"):
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self.send_error(HTTPStatus.LENGTH_REQUIRED)
        if len(length) > len(str(MAX_BYTES)) or int(length) > MAX_BYTES:
            return self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        drawing = self.rfile.read(int(length))
        if len(drawing) == int(length):
            self._reply("application/json", json.dumps(self.server.answer(drawing)))

    def _allow(self, path: str) -> bool:
        """Refuse pages of other sites, under whatever name they come, and what is not there."""
        host, own = self.headers.get("Host"), [f"http://{name}" for name in self.server.names]
        if host not in self.server.names or self.headers.get("Origin", own[0]) not in own:
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        if self.path != path:
            self.send_error(HTTPStatus.NOT_FOUND)
            return False
        return True

    def _reply(self, content_type: str, text: str) -> None:
        content = text.encode()
        self.send_response(HTTPStatus.OK)
        lengths = {"Content-Type": content_type, "Content-Length": str(len(content))}
        for name, value in {**lengths, **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""
