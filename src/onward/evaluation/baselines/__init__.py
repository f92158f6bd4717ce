"""What predictions are measured against: a constant, a linear model, gradient-boosted trees.

All learn from the training rows, and see the columns that the network has features of, derived ones
with the values that it was trained with. Intervals of numbers are split-conformal, from the
validation rows, as those of our own heads.
"""

from onward.evaluation.baselines._boosted_trees import BoostedTrees as BoostedTrees
from onward.evaluation.baselines._constant import Constant as Constant
from onward.evaluation.baselines._encoding import MOST as MOST
from onward.evaluation.baselines._linear import Linear as Linear
from onward.evaluation.baselines._predictions import WEIGHT as WEIGHT
from onward.evaluation.baselines._predictions import Validation as Validation
from onward.evaluation.baselines._predictions import exported as exported
from onward.evaluation.baselines._predictions import targets_of as targets_of
from onward.evaluation.baselines._predictions import weights_of as weights_of
