"""Who may do what: a bearer token with a role, and a needed role declared by every route.

Only a keyed hash of a token is stored. Routes declare `dependencies=[VIEWER]` (or OPERATOR, GRID_MANAGER, ADMIN);
`require_declared` refuses to build an application with a route that declares none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import ServicesDep
from cpms.domain.errors import Forbidden, Unauthenticated
from cpms.domain.identity import ApiToken, Role, keyed_hash

_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="A token from `cpms token create` or POST /api/v1/api-tokens."
)


async def authenticate(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> ApiToken:
    """The token that came with the request; Unauthenticated unless it is known, not revoked and not expired."""
    if credentials is None:
        raise Unauthenticated("Send a token: Authorization: Bearer <token>.")
    now = services.clock.now()
    token = await services.tokens.by_hash(keyed_hash(credentials.credentials, services.pepper), now)
    if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        raise Unauthenticated("The token is unknown, revoked or expired.")
    return token


class Needs:
    """A dependency that lets only tokens pass whose role contains `role`."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, token: Annotated[ApiToken, Depends(authenticate)]) -> ApiToken:
        """The token; Forbidden if its role does not suffice."""
        if not token.role.allows(self.role):
            raise Forbidden(f"This needs the role {self.role.value}; the token's is {token.role.value}.")
        return token


ADMIN = Depends(Needs(Role.ADMIN))
GRID_MANAGER = Depends(Needs(Role.GRID_MANAGER))
OPERATOR = Depends(Needs(Role.OPERATOR))
VIEWER = Depends(Needs(Role.VIEWER))


def role_of(route: APIRoute) -> Role | None:
    """The role a route declares."""
    roles = [d.dependency.role for d in route.dependencies if isinstance(d.dependency, Needs)]
    return roles[0] if roles else None


def require_declared(routes: Iterable[APIRoute], open_paths: frozenset[str]) -> None:
    """RuntimeError if a route neither declares a role nor is meant to be open."""
    undeclared = [route.path for route in routes if role_of(route) is None and route.path not in open_paths]
    if undeclared:
        raise RuntimeError(f"routes without a role: {undeclared}")
