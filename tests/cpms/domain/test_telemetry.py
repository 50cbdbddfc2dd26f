from cpms.domain.telemetry import phases_in_use
from cpms.domain.units import PHASES, Phase


def test_a_vehicle_uses_the_phases_on_which_current_flows() -> None:
    assert phases_in_use((15.9, 0.2, None), PHASES) == (Phase.L1,)


def test_phases_follow_the_connectors_rotation() -> None:
    assert phases_in_use((16.0, 0.0, 0.0), (Phase.L3, Phase.L1, Phase.L2)) == (Phase.L3,)
