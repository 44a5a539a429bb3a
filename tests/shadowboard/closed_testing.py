"""Holm's correction by its definition: the closure of Bonferroni's (Marcus, Peritz & Gabriel 1976)."""

from collections.abc import Sequence
from itertools import combinations


def closed_bonferroni(p_values: Sequence[float]) -> list[float]:
    """Of each hypothesis the largest p-value of all sets that it belongs to, each by Bonferroni."""
    places = range(len(p_values))
    sets = [chosen for size in range(1, len(p_values) + 1) for chosen in combinations(places, size)]
    return [
        max(min(1.0, len(chosen) * min(p_values[j] for j in chosen)) for chosen in sets if i in chosen)
        for i in places
    ]
