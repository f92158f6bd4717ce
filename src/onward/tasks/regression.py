"""Regression."""

from collections.abc import Iterator, Mapping

import polars as pl

from onward.schema import Target
from onward.tasks import charts, curves, metrics
from onward.tasks._base import Card, Plot
from onward.tasks.metrics import Metric
from onward.tasks.number_task import NumberTask


class Regression(NumberTask):
    """Regression with prediction intervals."""

    name = "regression"
    metrics = {
        "r2": Metric("R²", metrics.r2, "higher", most=1),
        "rmse": Metric("RMSE", metrics.rmse, "lower", 0, unit="target"),
        "mae": Metric("MAE", metrics.mae, "lower", 0, unit="target"),
        "coverage": Metric("Interval coverage", metrics.coverage, "neither", 0, 1, "share"),
        "width": Metric("Interval width", metrics.width, "lower", 0, unit="target"),
    }
    main = "r2"
    curves = {"residuals": curves.residuals, "bands": curves.bands}
    plots = {
        "predictions": Plot("residuals.csv", "predicted", ("actual",), {"template": "scatter"}),
        "errors": Plot("residuals.csv", "predicted", ("residual",), {"template": "scatter"}),
        "coverage": Plot("bands.csv", "predicted", ("coverage",)),
    }
    summary = (
        "The mean absolute error of {target} is {mae}, and the {nominal}prediction interval"
        " contains the actual value in {coverage} of rows."
    )
    caveat = (
        "The {nominal}prediction intervals contained the actual value in {coverage} of test rows"
        " on average, but not in every group of rows: the report has the coverage by predicted"
        " value."
    )

    @classmethod
    def is_usual(cls, target: Target) -> bool:
        """For numbers."""
        return target.kind == cls.kind

    def cards(
        self, curves: Mapping[str, pl.DataFrame], scores: Mapping[str, float]
    ) -> Iterator[Card]:
        """Actual value and error by predicted value, and interval coverage."""
        rows, name = curves["residuals"], self.target.name
        yield Card("Actual and predicted", charts.predicted_values(rows, name))
        yield Card("Error by predicted value", charts.residuals(rows, name))
        coverage = charts.coverage(curves["bands"], scores["coverage"], name)
        yield Card("Interval coverage", coverage)
