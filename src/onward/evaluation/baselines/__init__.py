"""Baselines: a constant, a linear model and gradient-boosted trees.

All are fitted on the training rows and read the columns of the network's features, with the same
values of derived columns. Prediction intervals of numbers are split-conformal, calibrated on the
validation rows, like those of our own heads.
"""

from onward.evaluation.baselines._boosted_trees import BoostedTrees as BoostedTrees
from onward.evaluation.baselines._constant import Constant as Constant
from onward.evaluation.baselines._encoding import MAX_CATEGORIES as MAX_CATEGORIES
from onward.evaluation.baselines._encoding import can_encode as can_encode
from onward.evaluation.baselines._linear import Linear as Linear
from onward.evaluation.baselines._predictions import WEIGHT as WEIGHT
from onward.evaluation.baselines._predictions import Validation as Validation
from onward.evaluation.baselines._predictions import predict_function as predict_function
from onward.evaluation.baselines._predictions import targets_of as targets_of
from onward.evaluation.baselines._predictions import weights_of as weights_of
