"""How numbers are distributed, and how far two sets of them are apart: one pass, some numbers at a time."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Block = NDArray[Any]
"""Numbers of any shape and type."""


@dataclass(frozen=True)
class Statistics:
    """Of all values; of the finite ones mean, standard deviation (population), least and greatest.

    None where there is no such value, or no float64 for it.
    """

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    zeros: float | None = None
    """Share of the values that are zero."""
    non_finite: int = 0


class Moments:
    """Statistics of the blocks added so far, in float64.

    Means and squares of two parts are joined as Chan, Golub and LeVeque do ("Updating formulae and a pairwise
    algorithm for computing sample variances", 1979): no digits are lost where the mean is far from zero.
    """

    def __init__(self) -> None:
        self._size = self._finite = self._zeros = 0
        self._mean = self._squares = 0.0
        self._least, self._greatest = math.inf, -math.inf

    def add(self, block: Block) -> None:
        """Take these numbers in."""
        values = block.reshape(-1).astype(np.float64)
        self._size += values.size
        self._zeros += int(np.count_nonzero(values == 0))
        finite = values[np.isfinite(values)]
        if not finite.size:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(finite.mean())
            squares = float(np.square(finite - mean).sum())
            total, apart = self._finite + finite.size, mean - self._mean if self._finite else 0.0
            self._squares += squares + apart * apart * (self._finite * finite.size / total)
            self._mean = self._mean + apart * (finite.size / total) if self._finite else mean
        self._finite = total
        self._least = min(self._least, float(finite.min()))
        self._greatest = max(self._greatest, float(finite.max()))

    def statistics(self) -> Statistics:
        """The statistics of everything added."""
        zeros = self._zeros / self._size if self._size else None
        if not self._finite:
            return Statistics(zeros=zeros, non_finite=self._size)
        return Statistics(
            mean=_finite(self._mean),
            std=_finite(math.sqrt(self._squares / self._finite)),
            min=self._least,
            max=self._greatest,
            zeros=zeros,
            non_finite=self._size - self._finite,
        )


class Distance:
    """How far the averages added so far are from their raw values, in float64."""

    def __init__(self) -> None:
        self._difference = self._product = self._average = self._raw = 0.0

    def add(self, average: Block, raw: Block) -> None:
        """Take these numbers in: both of one shape."""
        a, r = average.reshape(-1).astype(np.float64), raw.reshape(-1).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._difference += float(np.square(a - r).sum())
            self._product += float((a * r).sum())
            self._average += float(np.square(a).sum())
            self._raw += float(np.square(r).sum())

    @property
    def relative(self) -> float | None:
        """‖average − raw‖ / ‖raw‖; None where a value is not finite, or the raw ones are all zero."""
        return _quotient(math.sqrt(self._difference), math.sqrt(self._raw))

    @property
    def cosine(self) -> float | None:
        """Of the angle between the two; None where a value is not finite, or one of them has no length."""
        found = _quotient(self._product, math.sqrt(self._average) * math.sqrt(self._raw))
        return None if found is None else min(1.0, max(-1.0, found))


def edges_of(all_statistics: Sequence[Statistics], bins: int) -> NDArray[np.float64] | None:
    """The edges of `bins` equal bins that hold every finite value, float64 [bins + 1]; None: no value."""
    least = [s.min for s in all_statistics if s.min is not None]
    greatest = [s.max for s in all_statistics if s.max is not None]
    if not least:
        return None
    low, high = min(least), max(greatest)
    if low == high:
        low, high = low - 0.5, high + 0.5  # as np.histogram has it
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, bins + 1)
        # Of numbers that are huge or hardly differ, no such bins can be told apart.
        return edges if np.isfinite(edges).all() and (np.diff(edges) > 0).all() else None


def count(blocks: Iterable[Block], edges: NDArray[np.float64]) -> list[int]:
    """How many finite values are between each two edges; one on an edge is in the bin above it."""
    counts = np.zeros(len(edges) - 1, np.int64)
    for block in blocks:
        values = block.reshape(-1).astype(np.float64)
        counts += np.histogram(values[np.isfinite(values)], len(edges) - 1, (edges[0], edges[-1]))[0]
    return [int(number) for number in counts]


def _quotient(value: float, by: float) -> float | None:
    return _finite(value / by) if by and math.isfinite(by) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
