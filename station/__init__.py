"""The charging station."""
