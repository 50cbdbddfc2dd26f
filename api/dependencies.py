"""What routes are given: the services, and the strictness every route shares."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from api.ports import Services
from cpms.domain.errors import InvalidInput


def services_of(request: Request) -> Services:
    """The services the application was created with."""
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]


def known_query_only(request: Request) -> None:
    """InvalidInput for a query parameter the route does not have: a misspelt filter must not widen an answer."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {parameter.alias for parameter in route.dependant.query_params}
    for name in request.query_params:
        if name not in known:
            raise InvalidInput(f"query.{name[:60]}", "is not known here", f"use {sorted(known) or 'none'}")
