"""The library: data, network, averages, checkpoints, evaluation, run store. No web, no processes."""

__version__ = "0.1.0"
