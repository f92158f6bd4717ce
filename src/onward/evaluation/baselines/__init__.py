"""What predictions are measured against: a constant, a linear model, gradient-boosted trees.

All learn from the training rows, and see the columns that the network has features of, derived ones
with the values that it was trained with. Intervals of numbers are split-conformal, from the
validation rows, as those of our own heads.
"""

from onward.evaluation.baselines._boosted_trees import boosted_trees as boosted_trees
from onward.evaluation.baselines._constant import constant as constant
from onward.evaluation.baselines._encoding import MOST as MOST
from onward.evaluation.baselines._linear import linear as linear
from onward.evaluation.baselines._predictions import WEIGHT as WEIGHT
from onward.evaluation.baselines._predictions import Predict as Predict
from onward.evaluation.baselines._predictions import codes_of as codes_of
from onward.evaluation.baselines._predictions import exported as exported
from onward.evaluation.baselines._predictions import targets_of as targets_of
from onward.evaluation.baselines._predictions import weights_of as weights_of
