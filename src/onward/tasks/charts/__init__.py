"""Charts of predictions, for the chapters of the report."""

from onward.tasks.charts._decisions import gain as gain
from onward.tasks.charts._decisions import lift as lift
from onward.tasks.charts._decisions import threshold as threshold
from onward.tasks.charts._predictions import calibration as calibration
from onward.tasks.charts._predictions import confusion as confusion
from onward.tasks.charts._predictions import coverage as coverage
from onward.tasks.charts._predictions import pr as pr
from onward.tasks.charts._predictions import predicted_values as predicted_values
from onward.tasks.charts._predictions import residuals as residuals
from onward.tasks.charts._predictions import roc as roc
from onward.tasks.charts.vega_lite import Chart as Chart
