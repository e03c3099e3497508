"""Many independent stations in one process, with drivers who come and go: `python -m station fleet`."""
