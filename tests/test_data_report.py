"""What the data report says of weights and classes."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onward.preprocessing.columns import Column
from onward.quality.data_report import about_column, about_target, about_weights
from onward.quality.plan import Plan
from onward.quality.prepare_settings import PrepareSettings
from onward.quality.splitting import SplitRows
from onward.quality.unused_columns import unused_columns
from onward.report.formatting import usual
from onward.schema import Target
from onward.table.column_profile import reference
from onward.table.sources import Source


def test_equal_weights_are_as_many_rows_as_there_are() -> None:
    assert about_weights("w", np.full(7, 3.0))["equal_rows"] == pytest.approx(7)
    assert about_weights("w", np.array([1.0, 0.0, 0.0]))["equal_rows"] == pytest.approx(1)
    # the square of the sum, 16, over the sum of squares, 10
    assert about_weights("w", np.array([1.0, 3.0]))["equal_rows"] == pytest.approx(1.6)


def test_classes_are_counted_by_split_and_rows_left_out_are_not() -> None:
    split = SplitRows(pl.LazyFrame(), np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 2, -1]))
    assert split.counts() == {"train": 2, "validation": 1, "test": 1}
    about = about_target(Target("y", "classes", ("no", "yes")), split)
    assert about["classes"] == {
        "no": {"train": 1, "validation": 0, "test": 1},
        "yes": {"train": 1, "validation": 1, "test": 0},
    }


def test_columns_that_are_not_used_are_named_with_their_reasons(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"id": [f"k{row}" for row in range(30)], "x": range(30), "y": [0.5, 1] * 15}
    )
    rows.with_columns(note=pl.lit("a"), again="x", km="x").write_csv(tmp_path / "t.csv")
    settings = PrepareSettings.model_validate(
        {
            "source": {"type": "csv", "path": str(tmp_path / "t.csv")},
            "target": {"name": "y", "kind": "number"},
            "split": {"type": "random"},
            "columns": {"x": "numerical"},
        }
    )
    plan = Plan(settings)
    assert unused_columns(plan, Source.open(settings.source)) == [
        {"name": "id", "reason": "30 distinct texts in 30 rows: probably an identifier"},
        {"name": "note", "reason": "'a' in every row"},
        {"name": "again", "reason": "identical to 'x'"},
        {"name": "km", "reason": "identical to 'x'"},
    ]


def test_codes_are_no_quantities() -> None:
    config = {"type": "categorical", "name": "zip", "values": "integer"}
    column = Column.build(Column.members["categorical"].Config.model_validate(config))
    about = about_column(column, pl.Series([10_001.0] * 30 + [10_002.0, 99_999.0, None]))
    assert about["top"] == [[10_001, 30], [10_002, 1], [99_999, 1]]
    assert usual(about) == "10001, 10002, 99999"
    assert reference(about, 33)["values"] == [10_001, 10_002, 99_999]
    assert not {"min", "max", "outliers", "histogram"} & about.keys()


def test_marks_for_missing_numbers_are_counted_as_changed() -> None:
    config = {"type": "numerical", "name": "age", "missing": ("NA",)}
    column = Column.build(Column.members["numerical"].Config.model_validate(config))
    [(what, expression)] = column.changes().items()
    assert what == "empty, or counts as missing"
    assert pl.DataFrame({"age": [1.0, None]}).select(expression.sum()).item() == 1
