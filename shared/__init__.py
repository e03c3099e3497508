"""The language that csms and station share: OCPP over JSON (OCPP-J)."""
