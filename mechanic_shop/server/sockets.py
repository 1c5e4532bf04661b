"""The open connections of this process as Linux describes them, and a way to reset one.

The calls go to the C library through ``PyDLL``, which keeps Python's lock: the socket
module gives it up at every call, and a look at a thousand connections then takes 200 ms
of a busy process instead of 5. Call ``open_connections`` from one thread at a time; it
uses the same buffers.
"""

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

DESCRIPTORS = Path("/proc/self/fd")
IS_SUPPORTED = sys.platform == "linux" and DESCRIPTORS.exists()
# Of the kernel's struct tcp_info: tcpi_state, tcpi_last_data_recv, tcpi_bytes_acked and
# tcpi_notsent_bytes, by their offsets, which never change.
TCP_INFO = struct.Struct("=B 51x I 64x Q 16x I")
ESTABLISHED, CLOSE_WAIT = 1, 8
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing frees the memory of what was not sent
# Family, port and address at the beginning of a struct sockaddr_in or sockaddr_in6.
NAMES: dict[int, struct.Struct] = {
    socket.AF_INET: struct.Struct("!2x H 4s"),
    socket.AF_INET6: struct.Struct("!2x H 4x 16s"),
}

libc = ctypes.PyDLL(None)
name_buffer = ctypes.create_string_buffer(28)
info_buffer = ctypes.create_string_buffer(TCP_INFO.size)
length = ctypes.c_uint32()


class Connection(NamedTuple):
    """One connection of a client, as the kernel sees it."""

    descriptor: int
    client: str  # address and port, as granian writes them
    is_unread: bool  # bytes wait here until the client takes those before them
    silent: int  # milliseconds since the client sent something
    taken: int  # bytes that it took since the connection began


def open_connections(family: int, port: int) -> Iterator[Connection]:
    """The connections of this process's clients to its own ``port``."""
    for entry in os.listdir(DESCRIPTORS):
        descriptor = int(entry)
        own = name_of(libc.getsockname, descriptor, family)
        if own is None or own[1] != port:
            continue
        peer, info = name_of(libc.getpeername, descriptor, family), tcp_info(descriptor)
        if peer and info and info[0] in (ESTABLISHED, CLOSE_WAIT):  # a listening socket has no peer
            _, silent, taken, unsent = info
            yield Connection(descriptor, client_of(*peer), unsent > 0, silent, taken)


def name_of(
    call: "ctypes._NamedFuncPointer", descriptor: int, family: int
) -> tuple[str, int] | None:
    """The address and port that ``call`` gives; None for what is no such socket."""
    length.value = len(name_buffer)
    if call(descriptor, name_buffer, ctypes.byref(length)):
        return None
    port, address = NAMES[family].unpack_from(name_buffer.raw)
    return socket.inet_ntop(family, address), port


def tcp_info(descriptor: int) -> tuple[int, int, int, int] | None:
    length.value = TCP_INFO.size
    where = (descriptor, socket.IPPROTO_TCP, socket.TCP_INFO)
    if libc.getsockopt(*where, info_buffer, ctypes.byref(length)) or length.value < TCP_INFO.size:
        return None
    return TCP_INFO.unpack(info_buffer.raw)


def client_of(host: str, port: int | str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_of(client: str) -> str:
    """The address of a client without its port."""
    return client.rpartition(":")[0].strip("[]")


def reset(connection: Connection, family: int) -> None:
    """Reset a connection. Granian notices, and gives back what it held."""
    try:
        # The descriptor may be another file's by now; a copy of it stays what it is.
        copy = os.dup(connection.descriptor)
    except OSError:
        return  # the connection has ended by itself
    try:
        twin = socket.socket(family, socket.SOCK_STREAM, 0, fileno=copy)
    except OSError:
        os.close(copy)
        return
    with twin, suppress(OSError):
        if client_of(*twin.getpeername()[:2]) == connection.client:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            twin.shutdown(socket.SHUT_RDWR)
