"""Partial dependence and individual conditional expectation (ICE)."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._groups import format_number
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.preprocessing.columns import category_names, meaning, semantic_type
from onward.schema import Field, SemanticType
from onward.table.vectors import row_size
from onward.tasks import Array, Predict, Predictions

DEPENDENCE_COLUMNS = 6  # the most important ones
GRID_POINTS = 15  # values of a number or a date, at quantiles of the rows
GRID_ENDS = (0.02, 0.98)  # lowest and highest quantile: beyond, data are too sparse
GRID_CATEGORIES = 10  # categories, the most frequent ones
DEPENDENCE_ROWS = 300  # to average over, the same for all columns
ICE_LINES = 30  # rows with an ICE line
MIN_DEPENDENCE_ROWS = 10  # rows, even of the widest table
MAX_DEPENDENCE_CELLS = 5_000_000  # input values, some 5 s; wide tables get fewer rows
SECONDS_PER_DAY = 86_400


def dependence(
    held_out: HeldOut, predict: Predict, ordered: Sequence[str], random: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """Partial dependence of the predictions on the most important columns, with ICE lines.

    The grid consists of values in the test set, without the most extreme ones. If columns are
    correlated, the changed rows may be unrealistic.

    Source: Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine", section
    8.2; Goldstein et al. 2015, "Peeking Inside the Black Box", for ICE lines.

    Args:
        held_out: the test set with its predictions.
        predict: predicts with the file.
        ordered: columns, the most important first.
        random: draws the rows.

    Returns:
        ``dependence``: ``column``, ``kind`` (``number``, ``date``, ``value``), ``place`` on the
        grid, ``value``, ``number`` (days since 1970 for a date, none for a value), ``output`` (a
        class or ``value``) and ``mean``. ``ice``: ``column``, ``place``, ``line``, ``prediction``;
        the second of two classes, no lines of more classes. ``rug``: ``column``, ``number``, the
        deciles of numbers and dates.
    """
    fields = {field.name: field for field in held_out.columns}
    width = row_size(held_out.rows) * GRID_POINTS * DEPENDENCE_COLUMNS
    num_rows = max(MIN_DEPENDENCE_ROWS, min(DEPENDENCE_ROWS, MAX_DEPENDENCE_CELLS // width))
    part = held_out.subset(num_rows, random)
    means, lines, rugs = [NO_MEANS], [NO_LINES], [NO_RUG]
    for name in ordered[:DEPENDENCE_COLUMNS]:
        grid = _grid(fields[name], held_out.rows[name])
        if len(grid) < 2:
            continue  # nothing to change
        predictions = _predict(predict, part.rows, name, grid["raw"])
        outputs = held_out.task.curves_by_output(held_out.target, predictions)
        means += [_means(name, grid, output, values) for output, values in outputs.items()]
        rugs.append(_rug(name, fields[name], held_out.rows[name]))
        if len(outputs) == 1:
            lines.append(_lines(name, next(iter(outputs.values())), len(grid)))
    return {"dependence": pl.concat(means), "ice": pl.concat(lines), "rug": pl.concat(rugs)}


NO_MEANS = pl.DataFrame(
    schema={
        "column": pl.String,
        "kind": pl.String,
        "place": pl.Int64,
        "value": pl.String,
        "number": pl.Float64,
        "output": pl.String,
        "mean": pl.Float64,
    }
)
NO_LINES = pl.DataFrame(
    schema={
        "column": pl.String,
        "place": pl.Int64,
        "line": pl.Int64,
        "prediction": pl.Float64,
    }
)
NO_RUG = pl.DataFrame(schema={"column": pl.String, "number": pl.Float64})


def _grid(field: Field, values: pl.Series) -> pl.DataFrame:
    """Grid points: raw values, their text, and their position on an axis."""
    return GRIDS[semantic_type(field)](values, meaning(field, values))


def _categories(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    names = category_names(values).replace("", None)
    table = pl.DataFrame({"raw": raw, "name": names}).drop_nulls()
    counts = table.group_by("name").agg(pl.col("raw").first(), pl.len().alias("rows"))
    chosen = counts.sort("rows", "name", descending=[True, False]).head(GRID_CATEGORIES)
    return _grid_points("value", chosen["raw"], chosen["name"].to_list(), [None] * len(chosen))


def _dates(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    table = pl.DataFrame({"raw": raw, "at": values}).drop_nulls().sort("at")
    days = (table["at"].dt.epoch("s") / SECONDS_PER_DAY).to_numpy()
    chosen = _grid_indices(days)
    dates = table["at"].dt.strftime("%Y-%m-%d")[chosen].to_list()
    return _grid_points("date", table["raw"][chosen], dates, days[chosen].tolist())


def _numbers(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    table = pl.DataFrame({"raw": raw, "at": values}).filter(pl.col("at").is_finite()).sort("at")
    table = table[_grid_indices(table["at"].to_numpy())]
    return _grid_points(
        "number", table["raw"], [*map(format_number, table["at"])], table["at"].to_list()
    )


def _no_grid(raw: pl.Series, _: pl.Series) -> pl.DataFrame:
    return _grid_points("value", raw.clear(), [], [])


def _grid_points(
    kind: str, raw: pl.Series, texts: Sequence[str], numbers: Sequence[float | None]
) -> pl.DataFrame:
    number = pl.Series(numbers, dtype=pl.Float64)
    index = pl.Series(range(len(raw)), dtype=pl.Int64)
    shown_as = pl.Series(texts, dtype=pl.String)
    kinds = pl.Series([kind] * len(raw), dtype=pl.String)
    return pl.DataFrame(
        {"kind": kinds, "place": index, "value": shown_as, "number": number, "raw": raw}
    )


GRIDS: dict[SemanticType, Callable[[pl.Series, pl.Series], pl.DataFrame]] = {
    "number": _numbers,
    "category": _categories,
    "date": _dates,
    "none": _no_grid,
}


def _grid_indices(ordered: Array) -> Array:
    """Indices of the grid points, which are distinct, in sorted values."""
    if not len(ordered):
        return np.array([], np.int64)
    low, high = (np.array(GRID_ENDS) * (len(ordered) - 1)).round().astype(np.int64)
    distinct, first = np.unique(ordered, return_index=True)
    by_rows = np.unique(np.searchsorted(distinct, ordered[_evenly_spaced(low, high)]))
    if len(by_rows) > GRID_POINTS / 2:
        return first[by_rows]  # type: ignore[no-any-return]
    # most rows have one value: quantiles would miss the others
    ends = np.searchsorted(distinct, ordered[[low, high]])
    return first[np.unique(_evenly_spaced(*ends))]  # type: ignore[no-any-return]


def _evenly_spaced(low: int, high: int) -> Array:
    return np.linspace(low, high, GRID_POINTS).round().astype(np.int64)


def _rug(name: str, field: Field, values: pl.Series) -> pl.DataFrame:
    """Deciles of a number or a date; none of a category."""
    scale = AXIS_POSITIONS.get(semantic_type(field))
    if scale is None:
        return NO_RUG
    positions = scale(meaning(field, values).drop_nulls()).to_numpy()
    if not len(positions):
        return NO_RUG
    deciles = np.unique(np.quantile(positions, np.arange(1, 10) / 10))
    return pl.DataFrame({"column": [name] * len(deciles), "number": deciles}, NO_RUG.schema)


AXIS_POSITIONS: dict[SemanticType, Callable[[pl.Series], pl.Series]] = {
    "number": lambda numbers: numbers.filter(numbers.is_finite()),
    "date": lambda dates: dates.dt.epoch("s") / SECONDS_PER_DAY,
}
"""Positions of numbers and dates on an axis."""


def _predict(predict: Predict, rows: pl.DataFrame, name: str, grid: pl.Series) -> Predictions:
    """Predictions of each row with each grid value; all values of one row are adjacent."""
    repeated = rows[np.repeat(np.arange(len(rows)), len(grid))]
    values = grid[np.tile(np.arange(len(grid)), len(rows))]
    return predict(repeated.with_columns(values.alias(name)))


def _means(name: str, grid: pl.DataFrame, output: str, values: Array) -> pl.DataFrame:
    of_rows = values.reshape(-1, len(grid))
    return grid.drop("raw").select(
        pl.lit(name).alias("column"),
        pl.all(),
        pl.lit(output).alias("output"),
        pl.Series("mean", of_rows.mean(0), pl.Float64),
    )


def _lines(name: str, values: Array, size: int) -> pl.DataFrame:
    """ICE lines of the first rows, which are in random order."""
    of_rows = values.reshape(-1, size)[:ICE_LINES]
    line, index = np.indices(of_rows.shape)
    columns = {"place": index.ravel(), "line": line.ravel(), "prediction": of_rows.ravel()}
    return pl.DataFrame({"column": [name] * of_rows.size, **columns}, NO_LINES.schema)
