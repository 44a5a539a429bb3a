"""Numbers of a comparison as a sentence says them."""

from shadowboard.intervals import ALPHA


def signed_points(*shares: float) -> list[str]:
    """Differences of shares in percentage points: `+0.26`, `−0.04`, and `0.00` where it is exactly none.

    All have two decimals, or three where two would round one of them to none: `+0.042`, `−0.001`.
    """
    points = [100 * share for share in shares]
    decimals = 3 if any(0 < abs(value) < 0.005 for value in points) else 2
    return [f"{value:{'+' if value else ''}.{decimals}f}".replace("-", "−") for value in points]


def p_text(p: float) -> str:
    """`p = 0.043`, or `p < 0.001`; what is significant is not rounded to what is not."""
    if p < 0.001:
        return "p < 0.001"
    if p < ALPHA:
        p = min(p, 0.049)
    return f"p = {p:.2g}"
