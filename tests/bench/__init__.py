"""The benchmark: what could be wrong there without anybody noticing."""
