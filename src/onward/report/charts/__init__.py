"""Charts as SVG, for a page that sets the colors."""

from onward.report.charts._dependence import dependence as dependence
from onward.report.charts._dependence import residuals_by as residuals_by
from onward.report.charts._distributions import histogram as histogram
from onward.report.charts._distributions import sparkline as sparkline
from onward.report.charts._drawing import svg as svg
from onward.report.charts._model import differences as differences
from onward.report.charts._model import importance as importance
from onward.report.charts._model import intervals as intervals
from onward.report.charts._model import learning_curves as learning_curves
from onward.report.charts._resampling import by_training_rows as by_training_rows
from onward.report.charts._resampling import folds as folds
from onward.report.charts._selection import selection as selection
from onward.report.charts._tuning import parallel as parallel
from onward.report.charts._tuning import setting_titles as setting_titles
from onward.report.charts._tuning import shares as shares
