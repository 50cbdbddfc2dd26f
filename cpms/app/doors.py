"""The ports that are served: bound before anything else is started, so that a port that is taken is told at once."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cpms.domain.errors import Conflict, InvalidInput, reason_of
from cpms.settings import Settings


@dataclass(frozen=True)
class Doors:
    """Bound sockets, which listen once somebody serves them."""

    stations: socket.socket
    api: socket.socket


@contextmanager
def bound_doors(settings: Settings) -> Iterator[Doors]:
    """The ports for stations and for the API. Conflict if one is taken, InvalidInput if an address cannot be one of this machine's."""
    _allow_many_connections()
    with ExitStack() as stack:
        stations = stack.enter_context(_bound(settings.ocpp_host, settings.ocpp_port, "OCPP"))
        api = stack.enter_context(_bound(settings.api_host, settings.api_port, "API"))
        yield Doors(stations, api)


def _bound(host: str, port: int, name: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InvalidInput(
            f"CPMS_{name}_HOST", f"{host!r}: {reason_of(error)}", "name an address of this machine"
        ) from error
    door = socket.socket(family, kind, protocol)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen()
    except OSError as error:
        door.close()
        cure = f"free it, or set CPMS_{name}_PORT (and CPMS_{name}_HOST)"
        raise Conflict(f"Port {port} on {host} cannot be served: {reason_of(error)}; {cure}.") from error
    return door


def _allow_many_connections() -> None:
    """Every connection needs a file descriptor; the usual soft limit of 1024 is for programs that use select()."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
