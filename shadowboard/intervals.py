"""Confidence intervals of shares."""

import math

ALPHA = 0.05  # the level of every test and interval
Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share correct / n, for n ≥ 1 (Wilson 1927)."""
    share, weight = correct / n, Z * Z / n
    middle = share + weight / 2
    reach = Z * math.sqrt((share * (1 - share) + weight / 4) / n)
    low, high = (middle - reach) / (1 + weight), (middle + reach) / (1 + weight)
    return (low if correct else 0.0), (high if correct < n else 1.0)  # exact, where rounding would miss it
