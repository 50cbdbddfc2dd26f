"""OCPP 2.0.1 as a Dialect."""

from __future__ import annotations

from cpms.ocpp.v201 import incoming, outgoing


class V201:
    """OCPP 2.0.1."""

    protocol = "ocpp2.0.1"
    capability_keys = outgoing.CAPABILITY_KEYS
    read = staticmethod(incoming.read)
    answer = staticmethod(outgoing.answer)
    request = staticmethod(outgoing.request)
    result = staticmethod(outgoing.result)
    capabilities = staticmethod(outgoing.capabilities)
