"""The station's side of OCPP's functional blocks, one module each.

A block decides and does no I/O: it answers the CSMS's requests as plain functions, and offers what the station has to
say as `next_call()` (the most urgent CALL, None when there is nothing) and `due_at()` (when there will be something
although nothing has changed meanwhile; infinity for never). Times in seconds called `now` and `due_at` are those of
the `monotonic` clock each block is given.
"""
