import numpy as np

from shadowboard.configuration import RunConfig
from shadowboard.schedule import learning_rates


def test_learning_rates_are_continuous_by_epoch() -> None:
    rates = learning_rates(RunConfig(), 55_000, np.array([0, 275, 550, 5_500]))
    np.testing.assert_allclose(rates, [0.8, 0.8 * 0.99**0.5, 0.8 * 0.99, 0.8 * 0.99**10], rtol=1e-6)
