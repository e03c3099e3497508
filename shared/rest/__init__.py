"""HTTP interfaces for people and programs: who may ask, how errors are told, and the server below."""
