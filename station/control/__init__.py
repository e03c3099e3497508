"""The local HTTP interface with which people and scripts work a station: what a driver does, and what goes wrong."""

from station.control.server import create_control, serve_control

__all__ = ["create_control", "serve_control"]
