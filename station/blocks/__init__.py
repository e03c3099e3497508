"""The station's side of OCPP's functional blocks, one module each, or a package where one would be too long.

A block decides and does no I/O. What the firmware asks of it, and when, is in `block`.
"""
