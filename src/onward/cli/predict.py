"""`onward predict`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

EXTRA = "tables"  # for TABLE; --row needs no extra

Model = Annotated[
    Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
]
Table = Annotated[
    Path | None,
    typer.Argument(
        help="Rows to predict: a file or a folder of CSV, Parquet, Arrow, JSON lines, Excel.",
        exists=True,
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Output file; by default the terminal.",
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="csv, tsv, jsonl, parquet or arrow; by default from the suffix of the output.",
        show_default=False,
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS",
        help="Columns of TABLE to write beside the predictions, such as id,date.",
        show_default=False,
    ),
]
KeepAll = Annotated[bool, typer.Option("--keep-all", help="Keep all columns of TABLE.")]
MissingUnreadable = Annotated[
    bool,
    typer.Option(
        "--missing-unreadable",
        help="Treat invalid dates, quantities and booleans as missing values.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(help="Read TABLE with the source settings of this config.", show_default=False),
]
Row = Annotated[
    str | None, typer.Option(help="One row as JSON, instead of TABLE.", show_default=False)
]


def predict(  # noqa: PLR0913  (a command has as many parameters as options)
    model: Model,
    table: Table = None,
    output: Output = None,
    output_format: Format = None,
    keep: Keep = None,
    config: Config = None,
    row: Row = None,
    *,
    keep_all: KeepAll = False,
    missing_unreadable: MissingUnreadable = False,
) -> None:
    """Predict the rows of a table, or one row.

    The predictions of a table are a table with the rows in the same order.
    Values not in the training set are listed at the end.
    """
    if (table is None) == (row is None):
        raise typer.BadParameter("give either TABLE or --row")
    unreadable: Any = "missing" if missing_unreadable else "refuse"
    if row is not None:
        if output or config or output_format or keep or keep_all:
            raise typer.BadParameter(
                "--row prints JSON: --output, --format, --keep, --keep-all and --config need TABLE"
            )
        typer.echo(_predict_row(model, _parse(row), unreadable))
    elif table is not None:
        from onward.cli._predict_table import PredictionJob, predict_table

        names = tuple(name for names in keep or () for name in names.split(","))
        kept = None if keep_all else names
        predict_table(PredictionJob(model, table, output, output_format, config, kept, unreadable))


def _parse(row: str) -> dict[str, Any]:
    try:
        values = json.loads(row)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f'--row is invalid JSON: {error}. Write it as \'{{"age": 39, "city": null}}\''
        ) from error
    if not isinstance(values, dict):
        raise typer.BadParameter(
            '--row must be a JSON object. Write it as \'{"age": 39, "city": null}\''
        )
    return values


def _predict_row(model: Path, row: dict[str, Any], unreadable: Any) -> str:
    from onward.serving.predictor import Predictor

    predictor = Predictor(model, unreadable=unreadable)
    prediction = {name: array.astype(str)[0] for name, array in predictor([row]).items()}
    return json.dumps(
        {
            name: _json_value(name, value, predictor.schema.target.classes)
            for name, value in prediction.items()
        },
        indent=2,
        ensure_ascii=False,
    )


def _json_value(name: str, value: Any, classes: tuple[str, ...]) -> Any:
    """A prediction as JSON; numbers have only the digits of their float type."""
    if name == "label":
        return str(value)
    if name == "probabilities":
        return dict(zip(classes, map(float, value), strict=True))
    if value.ndim:
        return [*map(float, value)]
    return float(value)
