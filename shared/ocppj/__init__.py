"""OCPP-J without I/O: text in, decisions out (OCPP 2.0.1 Part 4)."""
