"""The samplers: ids and passes in, events out. Knows no screen."""

from twotower.sampling.batch import Batch, Failed, generate_batch
from twotower.sampling.generate import LANES, generate
from twotower.sampling.settings import SamplingSettings

__all__ = ["LANES", "Batch", "Failed", "SamplingSettings", "generate", "generate_batch"]
