"""The HTTP API: `create_app(services)`."""

from api.app import create_app
from api.ports import ComponentHealth, Health, Live, Services

__all__ = ["ComponentHealth", "Health", "Live", "Services", "create_app"]
