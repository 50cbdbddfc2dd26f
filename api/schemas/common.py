"""Types every schema is made of: strict bodies, safe texts, aware instants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from cpms.domain.time import require_aware


class Body(BaseModel):
    """What comes in: unknown fields and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class View(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


Item = TypeVar("Item")


class Items(View, Generic[Item]):
    """A list is an object, so that it can grow fields later."""

    items: list[Item]


def _printable(text: str) -> str:
    if any(not character.isprintable() for character in text):
        raise PydanticCustomError("control_character", "contains a control character")
    return text


def _in_utc(instant: datetime) -> datetime:
    if not 2000 <= instant.year <= 2200:
        raise PydanticCustomError("instant_range", "is not between the years 2000 and 2200")
    return require_aware(instant, "instant")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PydanticCustomError("timezone", "is not a known time zone") from error
    return name


SHOWN_DIGITS = 6
"""Of a computed quantity: what arithmetic leaves behind a milliwatt is no measurement."""

Shown = Annotated[float, AfterValidator(lambda value: round(value, SHOWN_DIGITS))]
"""A computed quantity as it goes out."""

Id = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,47}$"),
    Field(description="1 to 48 of A-Z a-z 0-9 . _ : - beginning with a letter or digit", examples=["depot-1"]),
]
IdTag = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9*_=:+|@.-]{1,36}$"),
    Field(description="OCPP identifierString, at most 36 characters", examples=["04A2B3C4D5E680"]),
]
TransactionId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9*_=:+|@.-]{1,36}$"),
    Field(description="As in the session", examples=["1874215"]),
]
Text = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    Field(description="RFC 3339 with Z or an offset", examples=["2026-01-31T18:00:00Z"]),
]
Timezone = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$"),
    AfterValidator(_known_zone),
    Field(description="IANA name", examples=["Europe/Amsterdam"]),
]
ConnectorId = Annotated[int, Field(ge=1, le=1000, description="1.6: connector; 2.0.1: EVSE", examples=[1])]
PowerKw = Annotated[float, Field(ge=0, le=1_000_000, description="kW")]
SignedPowerKw = Annotated[float, Field(ge=-1_000_000, le=1_000_000, description="kW; positive from the grid")]
CurrentA = Annotated[float, Field(ge=0, le=100_000, description="A per phase")]
