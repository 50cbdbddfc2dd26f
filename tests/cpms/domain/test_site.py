import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.units import PHASES, Phase

FEEDERS = (Feeder("grid", 160.0), Feeder("hall", 63.0, "grid"), Feeder("row", 32.0, "hall"))


def site_with(*feeders: Feeder, station_feeder: str = "row") -> Site:
    key = ConnectorKey("S1", 1)
    station = Station("S1", "site", station_feeder, (Connector(key, (Phase.L2,)),))
    return Site("site", "Site", "UTC", "EUR", feeders, (station,))


def test_a_connector_loads_every_feeder_up_to_the_grid_connection() -> None:
    site = site_with(*FEEDERS)
    assert site.feeders_of(ConnectorKey("S1", 1)) == ("row", "hall", "grid")
    assert site.root.id == "grid"
    assert site.station_by_id["S1"].feeder_id == "row"


def test_a_connector_of_unknown_rotation_counts_on_all_phases() -> None:
    known = Connector(ConnectorKey("S1", 1), (Phase.L1,))
    unknown = Connector(ConnectorKey("S1", 1), (Phase.L1,), rotation_known=False)
    assert known.counted_phases == (Phase.L1,)
    assert unknown.counted_phases == PHASES
    assert round(known.max_power_kw(230.0), 2) == 7.36


@pytest.mark.parametrize(
    ("feeders", "problem"),
    [
        ((), "0 feeders have no parent"),
        ((Feeder("a", 1.0), Feeder("b", 1.0)), "2 feeders have no parent"),
        ((Feeder("a", 1.0), Feeder("a", 1.0, "a")), "same id"),
        ((Feeder("a", 0.0),), "not above 0"),
        ((Feeder("a", float("nan")),), "not above 0"),
        ((Feeder("a", 1.0), Feeder("b", 1.0, "c"), Feeder("c", 1.0, "b")), "does not lead"),
        ((Feeder("a", 1.0), Feeder("b", 1.0, "nowhere")), "does not lead"),
    ],
)
def test_feeders_that_are_no_tree_are_refused(feeders: tuple[Feeder, ...], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        Site("site", "Site", "UTC", "EUR", feeders)


def test_a_station_on_an_unknown_feeder_is_refused() -> None:
    with pytest.raises(InvalidInput, match="feeder_id"):
        site_with(*FEEDERS, station_feeder="attic")
