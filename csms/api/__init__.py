"""REST, on quart-trio: what people and programs ask of the CSMS."""

from csms.api.server import create_api, serve_api
from csms.api.services import Services

__all__ = ["Services", "create_api", "serve_api"]
