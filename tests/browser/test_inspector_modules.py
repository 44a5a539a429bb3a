"""The inspector's pure functions, in the browser that runs them."""

import pytest
from playwright.sync_api import Page

from tests.browser.modules import call

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "address",
    [
        "?",
        "?run=a&step=5&name=layer1/weights",
        "?run=a&from=60&unit=24",
        "?filter=a+b&order=change&scale=log",
    ],
)
def test_the_address_holds_what_is_looked_at(blank: Page, address: str) -> None:
    code = "module.toAddress(module.fromAddress(argument))"
    assert call(blank, "inspector/selection", code, address) == address


def test_ticks_are_round_and_inside(blank: Page) -> None:
    code = "module.ticks(...argument)"
    assert call(blank, "inspector/histogram", code, [-0.65, 0.41]) == [-0.6, -0.4, -0.2, 0, 0.2, 0.4]
    assert call(blank, "inspector/histogram", code, [0, 1]) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    for low, high in ((-3e-7, 2e-7), (0.999, 1.001), (-1e30, 4e30)):
        found = call(blank, "inspector/histogram", code, [low, high])
        assert 2 <= len(found) <= 8
        assert low <= min(found) <= max(found) <= high


def test_batches_keep_below_their_size(blank: Page) -> None:
    variables = [
        {"name": str(i), "bytes": size, "kind": "raw", "of": None} for i, size in enumerate([3, 4, 5, 99, 1])
    ]
    found = call(blank, "inspector/family", "module.batches(argument, argument, 8)", variables)
    assert found == [["0", "1"], ["2", "4"]]  # the large one is read where it is looked at
    value, slot = "/.ATTRIBUTES/VARIABLE_VALUE", "/.OPTIMIZER_SLOT/opt/m"
    pairs = [["w/Momentum", "w"], [f"m/w{slot}{value}", f"m/w{value}"], [f"ema/w{value}", f"m/w{value}"]]
    code = "argument.map((names) => module.ownPart(...names))"
    assert call(blank, "inspector/family", code, pairs) == ["/Momentum", slot, None]
    assert call(blank, "inspector/closeup", "[0, 1, 4].map((i) => module.placeText(i, [3, 2]))") == [
        "[0, 0]",
        "[0, 1]",
        "[2, 0]",
    ]
