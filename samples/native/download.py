#!/usr/bin/env python3
"""A download of 10 MB over two paths, in virtual time, from Python by ctypes.

Two stacks in one process, and between them paths that have a rate, a delay and a queue.

    LD_LIBRARY_PATH=../../artifacts/native ./download.py [--lose-path]

With --lose-path the first path is cut after the first third, for good.
"""

import argparse
import ctypes
import errno
import hashlib
import os
import socket
import struct
import sys
from collections import deque

MPTCP = 262
MTU = 1500
SIZE = 10_000_000
PORT = 80
FOREVER = 2**63 - 1
SUBFLOW = 2

library = ctypes.CDLL("libmptcp.so")
library.mptcp_stack_new.restype = ctypes.c_void_p
library.mptcp_next_timer.restype = ctypes.c_int64
library.mptcp_advance.restype = None
for name in ("mptcp_output", "mptcp_read", "mptcp_write"):
    getattr(library, name).restype = ctypes.c_ssize_t


class Config(ctypes.Structure):
    """The beginning of struct mptcp_config: what is left out is the default."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("clock_start_us", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
    ]


class Endpoint(ctypes.Structure):
    """struct mptcp_endpoint."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("addr", ctypes.c_uint8 * 128),
        ("ifindex", ctypes.c_int32),
        ("id", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 3),
    ]


def address(host, path, port=0):
    """struct sockaddr_in of 10.0.PATH.HOST."""
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H4B8x", port, 10, 0, path, host)


class Stack:
    """One host. A result below zero is an exception, but for what only has to wait."""

    WAITING = (-errno.EAGAIN, -errno.EINPROGRESS)

    def __init__(self, host):
        self.handle = ctypes.c_void_p(library.mptcp_stack_new(ctypes.byref(Config(ctypes.sizeof(Config), 0, 0, host))))
        self.buffer = ctypes.create_string_buffer(65536)
        for path in range(2):
            self.call("if_add", 1 + path, address(host, path), 24, MTU)

    def call(self, name, *arguments):
        result = getattr(library, "mptcp_" + name)(self.handle, *arguments)
        if result is not None and result < 0 and result not in self.WAITING:
            raise OSError(-result, f"{name}: {os.strerror(-result)}")
        return result

    def add_endpoint(self, where, flags):
        endpoint = Endpoint(ctypes.sizeof(Endpoint), flags, (ctypes.c_uint8 * 128)(*where))
        return self.call("endpoint_add", ctypes.byref(endpoint))

    def socket(self):
        return self.call("socket", socket.AF_INET, socket.SOCK_STREAM, MPTCP)

    def read(self, s):
        """Bytes; b"" at the end of the stream; None when nothing is there."""
        count = self.call("read", s, self.buffer, ctypes.c_size_t(len(self.buffer)), 0)
        return None if count < 0 else self.buffer.raw[:count]

    def write(self, s, data):
        return max(0, self.call("write", s, data, ctypes.c_size_t(len(data)), 0))

    def packets(self):
        """What has left: interface, time in microseconds, bytes."""
        ifindex, at = ctypes.c_int(), ctypes.c_int64()
        while True:
            length = self.call(
                "output", ctypes.byref(ifindex), self.buffer, ctypes.c_size_t(len(self.buffer)), ctypes.byref(at))
            if length <= 0:
                return
            yield ifindex.value, at.value, self.buffer.raw[:length]


class Path:
    """One direction of a path: a rate in Mbit/s, a delay, a queue."""

    def __init__(self, rate, delay_us, queue=200):
        self.rate, self.delay_us, self.queue = rate, delay_us, queue
        self.flying = deque()
        self.free_us = 0
        self.carried = 0
        self.cut = False

    def send(self, at_us, packet):
        if self.cut or len(self.flying) == self.queue:
            return
        self.free_us = max(self.free_us, at_us) + len(packet) * 8 // self.rate
        self.flying.append((self.free_us + self.delay_us, packet))

    def next_us(self):
        return self.flying[0][0] if self.flying else FOREVER

    def arrivals(self, now_us):
        while self.flying and self.flying[0][0] <= now_us:
            packet = self.flying.popleft()[1]
            if not self.cut:
                self.carried += len(packet)
                yield packet


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lose-path", action="store_true", help="cut the first path after the first third")
    lose = parser.parse_args().lose_path

    client, server = Stack(1), Stack(2)
    client.add_endpoint(address(1, 1), SUBFLOW)
    listener = server.socket()
    server.call("bind", listener, address(2, 0, PORT), 16)
    server.call("listen", listener, 1)
    near = client.socket()
    client.call("connect", near, address(2, 0, PORT), 16)

    up = [Path(50, 10_000), Path(20, 30_000)]
    down = [Path(50, 10_000), Path(20, 30_000)]
    sides = [(client, server, up), (server, client, down)]
    file = bytes((n * 7 + (n >> 10)) & 255 for n in range(SIZE))
    far, sent, asked, now_us = -1, 0, False, 0
    received = bytearray()
    data = None
    while data != b"":
        for stack, _, paths in sides:
            for ifindex, at_us, packet in stack.packets():
                paths[ifindex - 1].send(at_us, packet)
        now_us = min(
            min(library.mptcp_next_timer(stack.handle), *(path.next_us() for path in paths)) for stack, _, paths in sides)
        for stack, _, _ in sides:
            stack.call("advance", ctypes.c_int64(now_us))
        for _, peer, paths in sides:
            for index, path in enumerate(paths):
                for packet in path.arrivals(now_us):
                    peer.call("input", 1 + index, packet, ctypes.c_size_t(len(packet)))

        asked = asked or client.write(near, b"file, please") > 0
        far = far if far >= 0 else server.call("accept", listener, None, None, 0)
        while far >= 0 and sent < SIZE:
            count = server.write(far, file[sent:sent + 65536])
            sent += count
            if sent == SIZE:
                server.call("shutdown", far, socket.SHUT_WR)
            if count == 0:
                break
        while (data := client.read(near)):
            received += data
        if lose and len(received) > SIZE // 3:
            up[0].cut = down[0].cut = True

    same = hashlib.sha256(received).digest() == hashlib.sha256(file).digest()
    print(f"{len(received)} bytes, {'the' if same else 'NOT the'} same, in {now_us / 1e6:.3f} s: {SIZE * 8 / now_us:.1f} Mbit/s")
    for name, path in zip(("wifi", "lte"), down):
        print(f"  {name:<5} {path.carried:9} bytes of packets to the client")
    for stack in (client, server):
        library.mptcp_stack_free(stack.handle)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
