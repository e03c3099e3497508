"""J Meter Values: what the meters show, in transactions and outside of them (J01, J02)."""

from station.blocks.meter_values.aligned import Aligned
from station.blocks.meter_values.block import MeterValues
from station.blocks.meter_values.sampling import Sampling
from station.blocks.meter_values.signing import Signer

__all__ = ["Aligned", "MeterValues", "Sampling", "Signer"]
