"""An HTTP server of one page and one function, for this machine's own browser, or for a phone."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from secrets import compare_digest, token_urlsafe
from socketserver import ThreadingTCPServer
from threading import Lock, Timer
from typing import Any

HOST = "127.0.0.1"
ANY = "0.0.0.0"  # all addresses of this machine
MAX_BYTES = 1_000_000  # of a drawing
SECONDS = 10.0  # that a connection may stay open
HEADERS = {
    "Cache-Control": "no-store",
    # nothing is fetched from elsewhere, and no other site shows the page as its own
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src data:; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class DrawingServer(ThreadingTCPServer):  # HTTPServer would ask the network for the host's name
    """Serve HTML at ``url``; what is posted to ``digit`` there is answered, one at a time, as JSON.

    Where other machines reach it, ``url`` holds a token, new with each server, and nothing is
    served without it.
    """

    allow_reuse_address = os.name != "nt"  # Windows would share the port with another program
    daemon_threads = True

    def __init__(
        self, port: int, page: str, answer: Callable[[bytes], Any], host: str = HOST
    ) -> None:
        self.page, self.answer, self.lock = page, answer, Lock()
        super().__init__((host, port), _Handler)
        self.port = self.server_address[1]
        self.root = "/" if IPv4Address(host).is_loopback else f"/{token_urlsafe(16)}/"
        self.url = f"http://{own_address() if host == ANY else host}:{self.port}{self.root}"

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
        if self._allow(""):
            self._reply("text/html; charset=utf-8", self.server.page)

    def do_POST(self) -> None:
        if not self._allow("digit"):
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
        # the address that the connection came to: a name could have been turned to it
        address = self.connection.getsockname()[0]
        hosts = [address, "localhost"] if IPv4Address(address).is_loopback else [address]
        own = [f"http://{host}:{self.server.port}" for host in hosts]
        host = f"http://{self.headers.get('Host')}"
        foreign = host not in own or self.headers.get("Origin", host) not in own
        if foreign or not self._knows_token():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path != f"{self.server.root}{path}":
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            return True
        return False

    def _knows_token(self) -> bool:
        root = self.server.root
        return compare_digest(self.path[: len(root)].encode(), root.encode())

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


def own_address() -> str:
    """This machine's address in its network, or the loopback's where it is in none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # nobody's address, to which nothing is sent
        return str(route.getsockname()[0])
    return HOST
