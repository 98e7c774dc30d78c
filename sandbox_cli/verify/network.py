"""`network`: what listens on the host is reached where the policy says so, and by nobody else."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from sandbox_cli.verify import kernel
from sandbox_cli.verify.attempts import compared, granted, impossible, refused, shows
from sandbox_cli.verify.calls import Of, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.verify.attempts import Judged, Try
    from sandbox_cli.verify.calls import Answer, Call
    from sandbox_cli.verify.case import Case

_CLAUSE = "network"
_STREAM, _DATAGRAM, _RAW = 1, 2, 3
_AT_ONCE = 0o4000  # SOCK_NONBLOCK
_VSOCK, _PACKET = 40, 17
_TO_HOST, _ALL_PROTOCOLS = 2, 0x0300
_NAME_SERVER = "8.8.8.8"
_METADATA = "169.254.169.254"  # where clouds hand out the machine's own keys
_NOBODY_THERE = 1  # a port that nothing listens on
_FALLBACK_TUNNELS = {"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}


def tries(case: Case) -> Iterator[Try]:
    is_open, targets = case.policy.network == "host", case.targets
    reach = granted if is_open else refused
    for host, port, packed in (("127.0.0.1", targets.port, _inet), ("::1", targets.port_6, _inet6)):
        name = f"connect to the host's {host}"
        if port is None:
            yield impossible(_CLAUSE, name, "yes" if is_open else "no", f"this host has no {host}")
        else:
            yield reach(_CLAUSE, name, *_connecting(packed(host, port)))
    abstract = struct.pack("=H", socket.AF_UNIX) + b"\0" + targets.abstract.encode()
    yield reach(_CLAUSE, "connect to an abstract socket of the host", *_connecting(abstract))
    yield _interfaces(is_open=is_open)
    own = _connecting(_inet("127.0.0.1", _NOBODY_THERE))
    yield refused(_CLAUSE, "connect to nobody on a loopback that is up", *own, errors={"ECONNREFUSED"})
    if not is_open:
        yield refused(
            _CLAUSE, f"connect to {_METADATA}, the metadata of clouds", *_connecting(_inet(_METADATA, 80), at_once=True)
        )
        yield refused(_CLAUSE, f"ask {_NAME_SERVER} for a name", *_sending(_inet(_NAME_SERVER, 53)))
        yield refused(_CLAUSE, "send to all of a network", *_sending(_inet("255.255.255.255", 9)))
        vsock = struct.pack("=HHIIB3x", _VSOCK, 0, 1024, _TO_HOST, 0)
        yield refused(_CLAUSE, "connect to the machine below by vsock", *_connecting(vsock, at_once=True))
    yield refused(_CLAUSE, "open a raw socket", call("socket", socket.AF_INET, _RAW, 1))
    yield refused(_CLAUSE, "open a packet socket", call("socket", _PACKET, _RAW, _ALL_PROTOCOLS))


def _inet(address: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(address) + bytes(8)


def _inet6(address: str, port: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, address)
    return struct.pack("=H", socket.AF_INET6) + struct.pack(">HI", port, 0) + packed + bytes(4)


def _connecting(address: bytes, *, at_once: bool = False) -> tuple[Call, Call]:
    (family,) = struct.unpack_from("=H", address)
    made = call("socket", family, _STREAM | (_AT_ONCE if at_once else 0), 0)
    return made, call("connect", Of(0), address, len(address))


def _sending(address: bytes) -> tuple[Call, Call]:
    (family,) = struct.unpack_from("=H", address)
    return call("socket", family, _DATAGRAM, 0), call("sendto", Of(0), b"?", 1, 0, address, len(address))


def _interfaces(*, is_open: bool) -> Try:
    """By name; where a tunnel's module is loaded, each network is born with its device, which is down."""
    calls, told = kernel.reading("/proc/net/dev"), "the host's" if is_open else "lo alone"

    def read(answer: Answer) -> Judged:
        found = names(answer.buffers[0].decode(errors="replace"))
        if is_open:
            with open("/proc/net/dev", encoding="utf-8") as file:  # noqa: PTH123
                return compared(found, names(file.read()), told)
        return compared(found - _FALLBACK_TUNNELS, {"lo"}, "lo")

    return shows(_CLAUSE, "list network interfaces", calls, told, read)


def names(text: str) -> set[str]:
    return {line.split(":")[0].strip() for line in text.splitlines()[2:]}
