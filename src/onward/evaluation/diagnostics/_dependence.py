"""How predictions answer when one column is changed and nothing else."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._groups import shown
from onward.evaluation.diagnostics._held_out import HeldOut
from onward.preprocessing.columns import category_names, meaning, semantic_type
from onward.schema import Field, SemanticType
from onward.tasks import Array, Predict, Predictions

COLUMNS = 6  # the most important ones
GRID = 15  # values of a number or a date, with as many rows between any two of them
ENDS = (0.02, 0.98)  # shares of the rows that lie below the ends: beyond, there is too little data
VALUES = 10  # categories, the most frequent ones
ROWS = 300  # that a mean is taken over; all columns see the same ones
LINES = 30  # of them are kept as lines of their own
LEAST = 10  # rows, however wide the table is
CELLS = 5_000_000  # values predicted from, in total: some 5 s; wide tables get fewer rows
SECONDS = 86_400  # of a day


def dependence(
    held_out: HeldOut, predict: Predict, ordered: Sequence[str], random: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """Mean prediction of some rows, when all get the same value in one column; and single rows.

    Values are those of held-out rows, and not the most extreme ones. Where columns go together, a
    changed row may still be one that does not exist.

    Source: Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine", section
    8.2; Goldstein et al. 2015, "Peeking Inside the Black Box", for the lines of single rows.

    Args:
        held_out: the rows.
        predict: asks the file.
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
    width = len(fields) * GRID * COLUMNS
    part = held_out.some(max(LEAST, min(ROWS, CELLS // width)), random)
    means, lines, rugs = [EMPTY], [NO_LINES], [NO_RUG]
    for name in ordered[:COLUMNS]:
        grid = _grid(fields[name], held_out.rows[name])
        if len(grid) < 2:
            continue  # nothing to change
        predictions = _asked(predict, part.rows, name, grid["raw"])
        outputs = held_out.task.curves_by_output(held_out.target, predictions)
        means += [_means(name, grid, output, values) for output, values in outputs.items()]
        rugs.append(_rug(name, fields[name], held_out.rows[name]))
        if len(outputs) == 1:
            lines.append(_lines(name, next(iter(outputs.values())), len(grid)))
    return {"dependence": pl.concat(means), "ice": pl.concat(lines), "rug": pl.concat(rugs)}


EMPTY = pl.DataFrame(
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
    """Raw values, how they are shown, and where they stand on an axis."""
    return GRIDS[semantic_type(field)](values, meaning(field, values))


def _categories(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    names = category_names(values).replace("", None)
    table = pl.DataFrame({"raw": raw, "name": names}).drop_nulls()
    counts = table.group_by("name").agg(pl.col("raw").first(), pl.len().alias("rows"))
    chosen = counts.sort("rows", "name", descending=[True, False]).head(VALUES)
    return _points("value", chosen["raw"], chosen["name"].to_list(), [None] * len(chosen))


def _dates(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    table = pl.DataFrame({"raw": raw, "at": values}).drop_nulls().sort("at")
    days = (table["at"].dt.epoch("s") / SECONDS).to_numpy()
    chosen = _chosen(days)
    dates = table["at"].dt.strftime("%Y-%m-%d")[chosen].to_list()
    return _points("date", table["raw"][chosen], dates, days[chosen].tolist())


def _numbers(raw: pl.Series, values: pl.Series) -> pl.DataFrame:
    table = pl.DataFrame({"raw": raw, "at": values}).filter(pl.col("at").is_finite()).sort("at")
    table = table[_chosen(table["at"].to_numpy())]
    return _points("number", table["raw"], [*map(shown, table["at"])], table["at"].to_list())


def _none(raw: pl.Series, _: pl.Series) -> pl.DataFrame:
    return _points("value", raw.clear(), [], [])


def _points(
    kind: str, raw: pl.Series, texts: Sequence[str], numbers: Sequence[float | None]
) -> pl.DataFrame:
    number = pl.Series(numbers, dtype=pl.Float64)
    place = pl.Series(range(len(raw)), dtype=pl.Int64)
    shown_as = pl.Series(texts, dtype=pl.String)
    kinds = pl.Series([kind] * len(raw), dtype=pl.String)
    return pl.DataFrame(
        {"kind": kinds, "place": place, "value": shown_as, "number": number, "raw": raw}
    )


GRIDS: dict[SemanticType, Callable[[pl.Series, pl.Series], pl.DataFrame]] = {
    "number": _numbers,
    "category": _categories,
    "date": _dates,
    "none": _none,
}


def _chosen(ordered: Array) -> Array:
    """Places of the grid's values, which are distinct, in a column from low to high."""
    if not len(ordered):
        return np.array([], np.int64)
    low, high = (np.array(ENDS) * (len(ordered) - 1)).round().astype(np.int64)
    distinct, first = np.unique(ordered, return_index=True)
    by_rows = np.unique(np.searchsorted(distinct, ordered[_spread(low, high)]))
    if len(by_rows) > GRID / 2:
        return first[by_rows]  # type: ignore[no-any-return]
    # most rows have one value: the others would be left out
    ends = np.searchsorted(distinct, ordered[[low, high]])
    return first[np.unique(_spread(*ends))]  # type: ignore[no-any-return]


def _spread(low: int, high: int) -> Array:
    return np.linspace(low, high, GRID).round().astype(np.int64)


def _rug(name: str, field: Field, values: pl.Series) -> pl.DataFrame:
    """Deciles of a number or a date; none of a category."""
    scale = SCALES.get(semantic_type(field))
    if scale is None:
        return NO_RUG
    known = scale(meaning(field, values).drop_nulls()).to_numpy()
    if not len(known):
        return NO_RUG
    deciles = np.unique(np.quantile(known, np.arange(1, 10) / 10))
    return pl.DataFrame({"column": [name] * len(deciles), "number": deciles}, NO_RUG.schema)


SCALES: dict[SemanticType, Callable[[pl.Series], pl.Series]] = {
    "number": lambda numbers: numbers.filter(numbers.is_finite()),
    "date": lambda dates: dates.dt.epoch("s") / SECONDS,
}
"""Where numbers and dates stand on an axis."""


def _asked(predict: Predict, rows: pl.DataFrame, name: str, grid: pl.Series) -> Predictions:
    """Of each row with each value; the values of one row stand one after the other."""
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
    """Of the first rows, which were drawn."""
    of_rows = values.reshape(-1, size)[:LINES]
    line, place = np.indices(of_rows.shape)
    columns = {"place": place.ravel(), "line": line.ravel(), "prediction": of_rows.ravel()}
    return pl.DataFrame({"column": [name] * of_rows.size, **columns}, NO_LINES.schema)
