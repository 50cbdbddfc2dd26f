"""Sites: their feeders, their grid connection and their roof."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.common import Body, Id, PowerKw, Text, Timezone
from cpms.domain.errors import InvalidInput
from cpms.domain.need import Fairness
from cpms.domain.policy import PlanningPolicy
from cpms.domain.site import Feeder, Place, Site, SolarArray, Station
from cpms.domain.units import current_a
from forecasting.calendar import require_region

ROOT_FEEDER_ID = "grid"
"""Id of the root feeder where none is described."""

VoltageV = Annotated[float, Field(ge=50, le=1000, description="V, phase to neutral")]
LimitA = Annotated[float, Field(gt=0, le=100_000, description="A per phase")]


class FeederBody(Body):
    """A node of the site's tree of electrical limits; the root (grid connection) has no parent."""

    id: Id
    limit_a: LimitA
    parent_id: Id | None = None


class PlaceBody(Body):
    """A point on the ground, north and east positive."""

    latitude_deg: float = Field(ge=-90, le=90, examples=[52.1])
    longitude_deg: float = Field(ge=-180, le=180, examples=[5.2])


class SolarBody(PlaceBody):
    """A photovoltaic array; azimuth clockwise from north, tilt from horizontal."""

    tilt_deg: float = Field(ge=0, le=90, examples=[15])
    azimuth_deg: float = Field(ge=0, le=360, examples=[180])
    peak_kw: PowerKw


class PolicyBody(Body):
    """What the operator wants of plans, beyond limits and prices."""

    fairness: Fairness = Field(
        Fairness.HALF_FIRST,
        description="How sessions of one priority share what is scarce: half of every need first, in proportion, or the smallest"
        " share as large as possible",
    )
    chance_level: float | None = Field(
        None,
        ge=0.5,
        lt=1,
        description="Probability with which plans leave room for other load; null: as the server is set",
    )
    shortfall_price_per_kwh: float = Field(
        0.0,
        ge=0,
        le=1_000_000,
        description="What a kWh missing at the departure costs at least, in the site's currency",
    )


class SiteFields(Body):
    """What is said of a site in both directions."""

    name: Text = ""
    timezone: Timezone
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), Field(description="ISO 4217", examples=["EUR"])]
    voltage_v: VoltageV = 230.0
    max_voltage_v: VoltageV | None = None
    import_limit_kw: PowerKw | None = Field(None, description="Contractual cap at the grid connection in kW")
    export_limit_kw: PowerKw | None = Field(None, description="Cap on what is fed into the grid in kW; null: none")
    reserved_other_load_kw: PowerKw = Field(0.0, description="Bound on all load that is not charging, in kW")
    feeders: list[FeederBody] = Field(default_factory=list, max_length=200)
    solar: SolarBody | None = None
    region: Annotated[str, StringConstraints(max_length=16)] | None = Field(
        None,
        description="Whose public holidays the site keeps: ISO 3166-1 alpha-2 or 3166-2. Null: none",
        examples=["DE-BY", "US"],
    )
    place: PlaceBody | None = Field(
        None, description="Whose weather the site's load follows. Null: where its array is, if it has one"
    )
    policy: PolicyBody = PolicyBody()


class SiteBody(SiteFields):
    """A site's configuration.

    Without `feeders` there is one, "grid", of `grid_limit_a`; without that too, of the current that `import_limit_kw` is
    when balanced over three phases. `max_voltage_v` defaults to 110 % of `voltage_v` (EN 50160).
    """

    id: Id | None = Field(None, description="Where given, the same as in the path")
    grid_limit_a: LimitA | None = Field(None, description="Fuse per phase, where `feeders` is left out")

    def to_domain(self, site_id: str, stations: tuple[Station, ...] = ()) -> Site:
        """The site with `stations` on it; InvalidInput where the configuration contradicts itself."""
        max_voltage_v = round(self.voltage_v * 1.1, 3) if self.max_voltage_v is None else self.max_voltage_v
        if max_voltage_v < self.voltage_v:
            raise InvalidInput("max_voltage_v", f"{max_voltage_v:g} V is below voltage_v", "give at least voltage_v")
        require_region(self.region)
        return Site(
            id=site_id,
            name=self.name or site_id,
            timezone=self.timezone,
            currency=self.currency,
            feeders=self._feeders(),
            stations=stations,
            voltage_v=self.voltage_v,
            max_voltage_v=max_voltage_v,
            import_limit_kw=self.import_limit_kw,
            reserved_other_load_kw=self.reserved_other_load_kw,
            solar=None if self.solar is None else SolarArray(**self.solar.model_dump()),
            region=self.region,
            export_limit_kw=self.export_limit_kw,
            policy=PlanningPolicy(**self.policy.model_dump()),
            place=None if self.place is None else Place(**self.place.model_dump()),
        )

    def _feeders(self) -> tuple[Feeder, ...]:
        if self.feeders and self.grid_limit_a is not None:
            raise InvalidInput("grid_limit_a", "contradicts feeders", "give one of the two")
        if self.feeders:
            return tuple(Feeder(f.id, f.limit_a, f.parent_id) for f in self.feeders)
        if self.grid_limit_a is not None:
            return (Feeder(ROOT_FEEDER_ID, self.grid_limit_a),)
        if not self.import_limit_kw:
            raise InvalidInput("feeders", "are not given", "give feeders, or grid_limit_a, or import_limit_kw above 0")
        return (Feeder(ROOT_FEEDER_ID, current_a(self.import_limit_kw, self.voltage_v, 3)),)


class NewSite(SiteBody):
    """A site to create; otherwise as for changing one."""

    id: Id


class SiteConfiguration(SiteFields):
    """A site as it is configured."""

    id: str

    @classmethod
    def of(cls, site: Site) -> SiteConfiguration:
        """The configuration of a stored site."""
        return cls(
            id=site.id,
            name=site.name,
            timezone=site.timezone,
            currency=site.currency,
            voltage_v=site.voltage_v,
            max_voltage_v=site.max_voltage_v,
            import_limit_kw=site.import_limit_kw,
            reserved_other_load_kw=site.reserved_other_load_kw,
            feeders=[FeederBody(id=f.id, limit_a=f.limit_a, parent_id=f.parent_id) for f in site.feeders],
            solar=None if site.solar is None else SolarBody(**asdict(site.solar)),
            region=site.region,
            export_limit_kw=site.export_limit_kw,
            policy=PolicyBody(**asdict(site.policy)),
            place=None if site.place is None else PlaceBody(**asdict(site.place)),
        )
