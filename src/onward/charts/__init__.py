"""Charts as SVG, for a page that sets the colors."""

from onward.charts._decisions import gain as gain
from onward.charts._decisions import lift as lift
from onward.charts._decisions import threshold as threshold
from onward.charts._dependence import dependence as dependence
from onward.charts._dependence import residuals_by as residuals_by
from onward.charts._distributions import histogram as histogram
from onward.charts._distributions import sparkline as sparkline
from onward.charts._drawing import COLORS as COLORS
from onward.charts._model import differences as differences
from onward.charts._model import importance as importance
from onward.charts._model import intervals as intervals
from onward.charts._model import learning_curves as learning_curves
from onward.charts._other_rows import by_training_rows as by_training_rows
from onward.charts._other_rows import folds as folds
from onward.charts._predictions import calibration as calibration
from onward.charts._predictions import confusion as confusion
from onward.charts._predictions import coverage as coverage
from onward.charts._predictions import pr as pr
from onward.charts._predictions import predicted as predicted
from onward.charts._predictions import residuals as residuals
from onward.charts._predictions import roc as roc
from onward.charts._selection import selection as selection
