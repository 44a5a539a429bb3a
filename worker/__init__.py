"""The trainer: a compiled training loop, and a loop that takes queued runs."""
