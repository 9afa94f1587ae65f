"""cheroot, hardened: neither silent nor slow clients keep others from being served.

A connection has a thread only while a request of it is dealt with. Until the head of one is whole it waits among the
idle ones, so 500 connections that say nothing or little cost 500 buffers. When there are too many, the one that has
been idle for longest makes way.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPServer
from cheroot.ssl import Adapter

from falco_k8s_audit.framing import Request
from falco_k8s_audit.incoming import Incoming

_THREADS: Final = 16
_HEAD_S: Final = 15
"""For a TLS handshake, for a whole head, and between requests."""
_SHUTDOWN_S: Final = 5
_HEAD_LIMIT: Final = 1 << 16
_BACKLOG: Final = 128
"""Connections that the system takes before we do. When it is full, clients try again after 1, 3, 7, 15 seconds."""
_CONNECTIONS: Final = 600

Refuse = Callable[[str, str], None]
"""Takes who sent a request and what is wrong with it."""


class Server(HTTPServer):
    """A server that reports what goes wrong in a sentence.

    Args:
        address: Host and port.
        gateway: Answers a request.
        refuse: Is told of what is refused.
        context: How TLS is spoken; None for plain HTTP.
        connections: How many may be open; None for what the limit on open files leaves.
    """

    failure: OSError | None = None
    """Why the last address could not be bound; cheroot passes on its text only."""

    def __init__(
        self,
        address: tuple[str, int],
        gateway: Callable[[Any], Any],
        refuse: Refuse,
        context: ssl.SSLContext | None = None,
        connections: int | None = None,
    ) -> None:
        super().__init__(address, gateway, minthreads=_THREADS, server_name="falco")
        self.refuse = refuse
        self.timeout = _HEAD_S
        self.shutdown_timeout = _SHUTDOWN_S
        self.max_request_header_size = _HEAD_LIMIT
        self.request_queue_size = _BACKLOG
        self.keep_alive_conn_limit = None  # type: ignore[assignment]  # cheroot takes it; our limit counts busy ones too
        self.ConnectionClass = Connection
        self._limit = _open_files() if connections is None else connections
        self._open: set[Connection] = set()
        self._open_lock = threading.Lock()
        if context is not None:
            self.ssl_adapter = _Tls(context)

    @property
    def is_crowded(self) -> bool:
        """Whether requests wait for a thread."""
        return bool(self.requests.qsize)

    def process_conn(self, conn: Connection) -> None:
        """Deal with a connection on which something has come; a new one waits for that first."""
        if conn.last_used is not None:
            super().process_conn(conn)
            return
        with self._open_lock:
            self._open.add(conn)
            surplus = len(self._open) > self._limit
            idle = [one for one in self._open if one.is_waiting and not one.is_dismissed] if surplus else []
        if surplus:
            (min(idle, key=lambda one: one.last_used or 0.0) if idle else conn).dismiss()
        self.put_conn(conn)

    def forget(self, conn: Connection) -> None:
        """*conn* is closed."""
        with self._open_lock:
            self._open.discard(conn)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002  cheroot's signature
        """Make a socket and bind it."""
        try:
            bound: socket.socket = super().bind(family, type, proto)
        except OSError as error:
            self.failure = error
            raise
        return bound

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Bind *socket_*, or close it."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  cheroot's signature
        """Report *msg*."""
        self.refuse("a client", str(msg))


class Connection(HTTPConnection):
    """A connection that is given to a thread when something has come, and put back until a head is whole."""

    RequestHandlerClass = Request

    def __init__(self, server: Server, sock: Any, makefile: Any) -> None:
        super().__init__(server, sock, makefile)
        self.rfile = Incoming(sock, _HEAD_LIMIT, lambda: server.is_crowded)
        self.is_waiting = False
        """Whether it is among the idle ones."""
        self.is_dismissed = False
        self._is_greeting = isinstance(sock, ssl.SSLSocket)
        self._since: float | None = None

    @property
    def sender(self) -> str:
        """Who is at the other end."""
        return f"{self.remote_addr}:{self.remote_port}"

    @property
    def last_used(self) -> float | None:
        """When it became idle, or began what is not complete yet; cheroot closes it when that is long ago."""
        return self._since

    @last_used.setter
    def last_used(self, now: float | None) -> None:
        """Only cheroot does this: it puts the connection among the idle ones."""
        if self._since is None or not (self._is_greeting or self.rfile.has_begun):
            self._since = now
        self.is_waiting = True

    def communicate(self) -> bool:
        """Take what has come; deal with the request if its head is whole. False if the connection is to be closed."""
        self.is_waiting = False
        try:
            if self._is_greeting and not self._greets():
                return True
            if not self.rfile.gather():
                return False
        except OSError as error:  # SSLError is one
            if self._is_greeting:
                self.server.refuse(self.sender, f"TLS handshake failed: {error}")
            return False
        if self.is_dismissed:
            if self.rfile.has_begun:
                self.server.refuse(self.sender, "too many connections, and the head of its request has yet to come")
            return False
        if not self.rfile.has_data():
            if not self.rfile.beginning.startswith(b"\x16"):
                return True
            self.server.refuse(self.sender, "TLS, where plain HTTP is spoken: the URL of the client must be http://")
            return False
        self.rfile.begin()
        return bool(super().communicate())  # type: ignore[no-untyped-call]  # cheroot has few types

    def dismiss(self) -> None:
        """Make it end: what waits for bytes of it sees their end."""
        self.is_dismissed = True
        try:
            # not SSLSocket's, which would take the session from under the thread that uses it
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        except OSError:
            self.is_dismissed = True  # the client was first

    def close(self) -> None:
        """Close it, and say so if that leaves a request unanswered."""
        if self.server.ready and self.is_waiting and self.rfile.has_begun:
            self.server.refuse(self.sender, f"the head of its request takes more than {self.server.timeout} seconds")
        self.server.forget(self)
        super().close()

    def _greets(self) -> bool:
        """Go on with the TLS handshake; False if it needs more bytes.

        Raises:
            OSError: It failed.
        """
        self.socket.settimeout(0)
        try:
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        self._is_greeting = False
        return True


class _Tls(Adapter):
    """TLS whose handshake is left to the connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: Any) -> Any:
        """The listening socket stays as it is."""
        return sock

    def wrap(self, sock: Any) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The socket of a new connection, before its handshake."""
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def get_environ(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def makefile(self, sock: Any, mode: str = "r", bufsize: int = -1) -> Any:
        """A file over the socket."""
        return MakeFile(sock, mode, bufsize)


def _open_files() -> int:
    """Connections that may be open, so that enough files are left for everything else."""
    limit = 500  # on Windows select takes 512
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = _CONNECTIONS if soft == resource.RLIM_INFINITY else min(_CONNECTIONS, soft * 3 // 4)
    return limit
