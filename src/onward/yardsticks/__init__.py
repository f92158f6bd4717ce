"""What predictions are measured against: a constant, a linear model, gradient-boosted trees.

All learn from the training rows, and see the columns that the network has features of, derived ones
with the values that it was trained with. Intervals of numbers are split-conformal, from the
validation rows, as those of our own heads.
"""

from onward.yardsticks._boosted_trees import boosted_trees as boosted_trees
from onward.yardsticks._constant import constant as constant
from onward.yardsticks._encoding import MOST as MOST
from onward.yardsticks._linear import linear as linear
from onward.yardsticks._predictions import WEIGHT as WEIGHT
from onward.yardsticks._predictions import Predict as Predict
from onward.yardsticks._predictions import codes_of as codes_of
from onward.yardsticks._predictions import exported as exported
from onward.yardsticks._predictions import targets_of as targets_of
from onward.yardsticks._predictions import weights_of as weights_of
