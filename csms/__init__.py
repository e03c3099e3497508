"""The charging station management system (CSMS)."""
