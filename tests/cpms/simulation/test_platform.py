"""What the client of the API sends, read as the API reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.schemas.sites import NewSite
from cpms.simulation.platform import Platform
from tests.cpms.simulation.http_peer import http_peer
from tests.data.examples import SITE


@pytest.mark.parametrize("region", ["NL", None])
async def test_a_site_arrives_as_it_was_sent_with_the_region_whose_holidays_it_keeps(
    region: str | None,
) -> None:
    site = replace(SITE, region=region)
    with http_peer() as recorder:
        platform = Platform(recorder.url, "token")
        await platform.create_site(site)
        await platform.close()
    [body] = recorder.bodies
    assert NewSite.model_validate(body).to_domain(site.id) == site
