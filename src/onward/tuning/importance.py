"""Which settings of a search mattered: shares of the variance of the losses."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc, rankdata
from sklearn.ensemble import RandomForestRegressor

from onward.tuning.results import Result

LEAST_TRIALS = 9  # a bracket; of fewer a forest learns noise
TREES = 100
PLACES, OTHERS = 16, 128  # of a setting, and settings of the others at each of them


def importance(results: Sequence[Result], names: Sequence[str]) -> dict[str, float]:
    """The share of the variance of the losses that each setting explains by itself.

    A random forest predicts the loss from the settings; the mean of its predictions over the other
    settings is a function of one setting, whose variance counts. What is missing to 1 is due to
    combinations of settings. Empty if there are too few trials.

    Source: Hutter et al. 2014, "An Efficient Approach for Assessing Hyperparameter Importance".
    Differs: means over a Sobol sample, not over the boxes of the trees; ranks in place of losses,
    of which a single bad one would explain all; only the shortest trainings, which all trials have.

    Args:
        results: of the search.
        names: of the settings, in the order of the points.
    """
    shortest = min((result.training.epochs for result in results), default=0)
    known = [result for result in results if result.training.epochs == shortest]
    if len(known) < LEAST_TRIALS:
        return {}
    points = np.array([result.training.point for result in known])
    ranks = rankdata([min(result.loss, math.inf) for result in known])
    forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0)
    forest.fit(points, ranks)
    others = qmc.Sobol(len(names), seed=0).random(OTHERS)
    whole = float(forest.predict(others).var())
    if whole == 0:
        return dict.fromkeys(names, 0.0)
    means = {name: _means(forest, others, axis) for axis, name in enumerate(names)}
    return {name: round(min(1.0, float(mean.var()) / whole), 4) for name, mean in means.items()}


def _means(forest: RandomForestRegressor, others: np.ndarray, axis: int) -> np.ndarray:
    """The mean prediction at each place of a setting, ``(places,)``."""
    places = (np.arange(PLACES) + 0.5) / PLACES
    points = np.tile(others, (PLACES, 1))
    points[:, axis] = places.repeat(len(others))
    means: np.ndarray = forest.predict(points).reshape(PLACES, -1).mean(1)
    return means
