"""One client's connection, plain or inside TLS: bytes in, bytes out, and every way of ending it.

TCP_QUICKACK is set before each read: urllib3 sends head and body apart with Nagle's algorithm on,
so without it every kept-alive POST through a proxy waits 44 ms for the delayed acknowledgement
(1.3 ms with it).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading

READ_SIZE = 65_536
# Linux alone has it.
TCP_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
DRIPS_PER_SECOND = 10


class ConnectionEnded(Exception):
    """The other side, or the twin's own end, closed the connection."""


class Connection:
    """A socket with a read buffer.

    `end` may be called from any thread and wakes the one that reads, sends or pauses.
    """

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._stopping = stopping
        self._buffer = bytearray()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Play the server of a TLS handshake; from here on everything is inside it."""
        try:
            self._socket = context.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            if self._stopping.is_set():
                raise ConnectionEnded
            self._socket.do_handshake()
        except OSError as error:
            raise ConnectionEnded(str(error)) from error

    def read_until(self, mark: bytes, *, limit: int) -> bytes | None:
        """Return what comes before the mark, and skip the mark; None if over the limit."""
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                return None
            self._receive()
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    def read_exactly(self, size: int) -> bytes:
        """Return the next so many bytes."""
        while len(self._buffer) < size:
            self._receive()
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def send(self, data: bytes) -> None:
        """Send all of data."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionEnded(str(error)) from error

    def drip(self, data: bytes, rate: float) -> None:
        """Send data slowly: so many bytes per second, in about ten pieces a second."""
        size = max(1, int(rate / DRIPS_PER_SECOND))
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            self.pause(size / rate)

    def pause(self, seconds: float) -> None:
        """Wait, unless the twin is closed meanwhile."""
        if self._stopping.wait(seconds):
            raise ConnectionEnded

    def wait_for_end(self) -> None:
        """Swallow whatever comes until the other side gives up."""
        with contextlib.suppress(ConnectionEnded):
            while True:
                self._receive()
                self._buffer.clear()

    def reset(self) -> None:
        """Close at once with a TCP reset instead of an orderly end."""
        linger_no_time = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)
        self.close()

    def end(self) -> None:
        """Wake the thread that uses this connection and let it find the end."""
        # The plain method: the one of SSLSocket would take the encryption away under a reader.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _receive(self) -> None:
        try:
            if TCP_QUICKACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, TCP_QUICKACK, 1)
            data = self._socket.recv(READ_SIZE)
        except OSError as error:
            raise ConnectionEnded(str(error)) from error
        if not data:
            raise ConnectionEnded
        self._buffer += data
