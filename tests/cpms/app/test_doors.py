from __future__ import annotations

import resource
import socket

import pytest

from cpms.app.doors import bound_doors
from cpms.domain.errors import Conflict, InvalidInput
from cpms.settings import Settings


def settings(**fields: object) -> Settings:
    return Settings(**{"ocpp_port": 0, "api_port": 0, **fields})


def test_both_ports_are_taken_before_anything_else_and_given_back() -> None:
    with bound_doors(settings()) as doors:
        ports = [door.getsockname()[1] for door in (doors.stations, doors.api)]
        assert len(set(ports)) == 2
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("name", ["ocpp", "api"])
def test_a_port_that_is_taken_is_told_with_its_setting_and_in_words(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict) as refusal, bound_doors(settings(**{f"{name}_port": port})):
            pass
    assert f"Port {port} on 127.0.0.1 cannot be served: Address already in use" in str(refusal.value)
    assert f"CPMS_{name.upper()}_PORT" in str(refusal.value)
    assert "Errno" not in str(refusal.value)


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(Conflict, match=r"192\.0\.2\.1"), bound_doors(settings(ocpp_host="192.0.2.1")):
        pass
    with pytest.raises(InvalidInput, match="CPMS_API_HOST"), bound_doors(settings(api_host="no such host")):
        pass


def test_as_many_connections_are_allowed_as_the_machine_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
        with bound_doors(settings()):
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
