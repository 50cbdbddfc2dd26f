"""OCPP 1.6J as a Dialect."""

from __future__ import annotations

from cpms.ocpp.v16 import incoming, outgoing


class V16:
    """OCPP 1.6J."""

    protocol = "ocpp1.6"
    capability_keys = outgoing.CAPABILITY_KEYS
    read = staticmethod(incoming.read)
    answer = staticmethod(outgoing.answer)
    request = staticmethod(outgoing.request)
    result = staticmethod(outgoing.result)
    capabilities = staticmethod(outgoing.capabilities)
