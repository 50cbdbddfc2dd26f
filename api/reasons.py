"""Why a plan is as it is, in words for people."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cpms.domain.binding import BindingLimit
from cpms.domain.money import Money
from cpms.domain.site import Site

_LEAST_SHOWN = Decimal("0.01")


def in_words(limit: BindingLimit, site: Site, starts_at: datetime) -> str:
    """ "grid connection limits L1 to 125 A at 18:15; one more kW would save 0.12 EUR", at the site's local time.

    Plans reckon at nominal voltage; a limit in kW leaves them less, since it is kept at the highest voltage too (G11).
    """
    local = starts_at.astimezone(ZoneInfo(site.timezone))
    what = limit.phase.value if limit.phase is not None else "import" if _is_root(limit, site) else "power"
    value = f"{round(limit.limit, 1):g} {limit.unit}"
    if limit.unit == "kW" and site.max_voltage_v > site.voltage_v:
        value += f" (at {site.voltage_v:g} V, so that it holds at {site.max_voltage_v:g} V)"
    return (
        f"{_who(limit, site)} limits {what} to {value} at {local:%H:%M}; "
        f"one more kW would save {_saving(limit.shadow_price_per_kw, site.currency)}"
    )


def _is_root(limit: BindingLimit, site: Site) -> bool:
    return limit.feeder_id == site.root.id


def _who(limit: BindingLimit, site: Site) -> str:
    where = "grid connection" if _is_root(limit, site) else f"feeder {limit.feeder_id}"
    if limit.reason in ("", "installation"):
        return where
    if limit.reason.startswith(where):
        return limit.reason
    return f"{limit.reason} ({where})"


def _saving(price_per_kw: float, currency: str) -> str:
    amount = Decimal(repr(price_per_kw))
    if 0 < amount < _LEAST_SHOWN:
        return f"less than {_LEAST_SHOWN} {currency}"
    return str(Money(amount, currency))
