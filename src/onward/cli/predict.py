"""`onward predict`."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onward.cli._predict_table import PredictionJob

EXTRA = "tables"  # for TABLE; --row needs no extra

Model = Annotated[
    Path, typer.Argument(help="A model file, written by `onward export`.", show_default=False)
]
Table = Annotated[
    str | None,
    typer.Argument(
        help="Rows to predict: a file or a folder of CSV, Parquet, Arrow, JSON lines, Excel.",
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        help="Output file; by default the terminal. With --jobs or --part a folder.",
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
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of processes. The output is a folder with a file for each part of TABLE; a"
        " job that was stopped resumes. TABLE and the output may be in a bucket.",
        show_default=False,
    ),
]
Part = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Predict the I-th of N parts, as in 1/8.", show_default=False),
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
    jobs: Jobs = None,
    part: Part = None,
    *,
    keep_all: KeepAll = False,
    missing_unreadable: MissingUnreadable = False,
) -> None:
    """Predict the rows of a table, or one row.

    The predictions of a table are a table with the rows in the same order.
    Unseen categories, numbers outside the training range, and unreadable values
    that are treated as missing are listed at the end.
    """
    if (table is None) == (row is None):
        raise typer.BadParameter("give either TABLE or --row")
    unreadable: Any = "missing" if missing_unreadable else "refuse"
    if row is not None:
        if output or config or output_format or keep or keep_all or jobs or part:
            raise typer.BadParameter(
                "--row allows only the option --missing-unreadable; the others need TABLE"
            )
        typer.echo(_predict_row(model, _parse(row), unreadable))
    elif table is not None:
        from onward.cli._predict_table import PredictionJob

        names = dict.fromkeys(name for names in keep or () for name in names.split(","))
        keep_names = None if keep_all else tuple(names)
        job = PredictionJob(model, table, output, output_format, config, keep_names, unreadable)
        _predict_table(job, jobs, part)


def _predict_table(job: "PredictionJob", jobs: int | None, part: str | None) -> None:
    from onward.cli._cloud import is_url, naming_buckets

    if not is_url(job.table) and not Path(job.table).exists():
        raise typer.BadParameter(f"{job.table!r} does not exist. Correct the path of TABLE")
    if jobs is None and part is None:
        if is_url(job.table) or (job.output is not None and is_url(job.output)):
            raise typer.BadParameter("a table in a bucket is predicted in parts: add --jobs 1")
        from onward.cli._predict_table import predict_table

        predict_table(job)
        return
    if job.output is None:
        raise typer.BadParameter("--jobs and --part write a folder: name it with --output")
    from onward.cli._predict_parts import predict_parts
    from onward.cli._processes import refuse_many_processes

    refuse_many_processes("--jobs", jobs or 1)
    share = _share(part or "1/1")
    with naming_buckets(job.table, job.output):
        predict_parts(job, jobs or 1, share)


def _share(part: str) -> tuple[int, int]:
    """The numbers of ``I/N``."""
    match = re.fullmatch("([0-9]+)/([0-9]+)", part)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise typer.BadParameter(
            f"--part {part}: must be I/N, the I-th of N parts, with I from 1 to N, as in 1/8"
        )
    return int(match[1]), int(match[2])


def _parse(row: str) -> dict[str, Any]:
    try:
        values = json.loads(row)
    except (json.JSONDecodeError, RecursionError) as error:
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
