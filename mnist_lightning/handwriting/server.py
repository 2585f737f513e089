"""An HTTP server of one page and one function, for this machine's own browser alone."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Lock, Timer
from typing import Any

HOST = "127.0.0.1"
MAX_BYTES = 1_000_000  # of a drawing
SECONDS = 10.0  # that a connection may stay open
HEADERS = {
    "Cache-Control": "no-store",
    # nothing is fetched from elsewhere, and no other site shows the page as its own
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src data:; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class DrawingServer(ThreadingTCPServer):  # HTTPServer would ask the network for the host's name
    """Serve HTML at ``/``; what is posted to ``/digit`` is answered, one at a time, as JSON."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, page: str, answer: Callable[[bytes], Any]) -> None:
        self.page, self.answer, self.lock = page, answer, Lock()
        super().__init__((HOST, port), _Handler)
        self.names = [f"{host}:{self.server_address[1]}" for host in (HOST, "localhost")]
        self.url = f"http://{self.names[0]}/"

    def server_close(self) -> None:
        """Close the port; wait a second for the answer under way, and let no other begin."""
        super().server_close()
        self.lock.acquire(timeout=1)


class _Handler(BaseHTTPRequestHandler):
    server: DrawingServer

    def handle(self) -> None:
        def cut() -> None:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        # a socket's own timeout would begin anew with each byte that drips in
        timer = Timer(SECONDS, cut)
        timer.daemon = True
        timer.start()
        with suppress(OSError):  # a browser that went away
            super().handle()
        timer.cancel()

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
            with self.server.lock:
                answer = json.dumps(self.server.answer(drawing))
            self._reply("application/json", answer)

    def _allow(self, path: str) -> bool:
        """Refuse pages of other sites, under whatever name they come, and what is not there."""
        host, own = self.headers.get("Host"), [f"http://{name}" for name in self.server.names]
        foreign = host not in self.server.names or self.headers.get("Origin", own[0]) not in own
        if foreign or self.path != path:
            self.send_error(HTTPStatus.FORBIDDEN if foreign else HTTPStatus.NOT_FOUND)
            return False
        return True

    def _reply(self, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(HTTPStatus.OK)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), **HEADERS}
        for header in headers.items():
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet."""
