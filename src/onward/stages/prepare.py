"""Read the table, split it, learn the preprocessing, and write what training reads."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import onnx
import polars as pl
from pydantic import model_validator

from onward.artifacts.prepared import CHUNK, ArrayFile, FeatureNames, row_numbers_file, weights_file
from onward.artifacts.publishing import publishing, sha256
from onward.errors import ConfigError, DataError
from onward.preprocessing.assembly import Encoder, Features, preprocessing
from onward.preprocessing.columns import Column, meaning
from onward.preprocessing.derivations import Derivation, refuse_unreadable
from onward.preprocessing.graph import PREFIX
from onward.preprocessing.out_of_fold import Deriving
from onward.quality.derived_columns import (
    derive,
    described,
    keep,
    leaks_of,
    refuse_broken,
    refuse_taken,
    rows_of,
)
from onward.quality.leaks import Leak, LeakRules, refuse, search
from onward.quality.validation import ROW, Contract, RowRules, accepted, discard
from onward.schema import Schema, Target
from onward.settings.family import ByName, OneOf, Seed
from onward.settings.family import Settings as Base
from onward.table.checks import Check
from onward.table.column_profile import profile
from onward.table.sources import Source, Table
from onward.table.splits import LEFT_OUT, SPLITS, Part, Sample, Split, assigned, sampled
from onward.table.target import TargetSettings, encoded, refuse_unlearnable

logger = logging.getLogger(__name__)

OUTPUTS = ("label", "probabilities", "value", "lower", "upper")
WORKERS = 2  # columns or chunks at once; more cost memory, and polars has threads of its own
SPLIT = "onward/split"  # no name of a column, which are checked for it


class Settings(Base):
    """Where the table is, what it predicts, from which columns, and how it is split.

    ``weights``: a column that says how much each row counts, in training and in measuring.
    ``part``: of the rows, with which `evaluate` measures other models.
    ``sample``: how many rows to learn from, where a table has more than one wants to wait for.
    """

    seed: Seed = 0
    source: Annotated[Source.Config, OneOf(Source)]
    target: TargetSettings
    weights: str | None = None
    split: Annotated[Split.Config, OneOf(Split)]
    sample: Sample | None = None
    part: Part = Part()
    rows: RowRules = RowRules()
    leaks: LeakRules = LeakRules()
    checks: tuple[Annotated[Any, OneOf(Check)], ...] = ()
    derive: Annotated[tuple[Any, ...], ByName(Derivation)] = ()
    columns: Annotated[tuple[Any, ...], ByName(Column, least=1)]

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        names = [column.name for column in self.columns]
        if self.target.name in names:
            raise ValueError(f"columns: {self.target.name!r} is the target. Remove it")
        if self.weights in (*names, self.target.name):
            raise ValueError(
                f"weights: {self.weights!r} is the target or a column. Remove it from them"
            )
        inputs = [*names, *(derivation.name for derivation in self.derive)]
        taken = [name for name in inputs if name in OUTPUTS or name.startswith(PREFIX)]
        if taken:
            raise ValueError(f"{taken[0]!r} is a name in the exported file. Rename the column")
        refuse_unreadable(self.derive, self.columns, self.target.name)
        return self


def run(settings: Settings, folder: Path) -> None:
    """Write the folder that `Prepared` reads."""
    source = Source.open(settings.source)
    inputs = {"data": sha256(settings.source.path)}
    settings_json = settings.model_dump(mode="json")
    with publishing(folder / "prepare", inputs=inputs, settings=settings_json) as work:
        report = _prepare(settings, source, work)
        (work / "data.json").write_text(json.dumps(report, ensure_ascii=False, indent=1))
    left = report["quality"]["rows"]
    if len(left) > 1:
        logger.info("prepare: rows: %s", _said(left))
    logger.info("prepare: %d columns, rows: %s", len(settings.columns), _said(report["rows"]))


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _prepare(settings: Settings, source: Table, work: Path) -> dict[str, Any]:
    """Write all but the data report, which is returned."""
    contract = contract_of(settings)
    columns = [Column.build(config) for config in settings.columns]
    derivations = [Derivation.build(config) for config in settings.derive]
    schema = Schema(contract.fields, settings.target.target())
    with _naming(settings.source.path):
        refuse_taken(derivations, source.names())
    rows, quality = accepted(source, contract, work)
    with _naming(settings.source.path):
        rows, targets, splits = _targets_and_splits(settings, schema, rows)
        if settings.part != Part():
            quality["rows"]["in this part"] = len(splits)
        found = _leaks(settings, rows, splits, targets, schema)
        splits, counts = _sampled(settings, targets, splits)
        refuse_unlearnable(schema.target, targets[splits == SPLITS.index("train")])
        _write_splits(rows, splits, schema, work)
        counts |= _write_weights(rows, settings.weights, splits, work)
    discard(work)
    report: dict[str, Any] = {"source": str(settings.source.path), **counts}
    with _naming(settings.source.path):
        if derivations:
            parts = [targets[splits == place] for place in range(len(SPLITS))]
            found += _derive(settings, derivations, parts, schema.target, work)
        report |= _fit(columns, derivations, rows_of(work, "train"))
    report["target"] = _about_target(schema.target, targets, splits)
    report["quality"] = {**quality, "leaks": [asdict(leak) for leak in found]}
    _write_graph(columns, derivations, work)
    _write_arrays(columns, targets, splits, work)
    (work / "schema.json").write_text(schema.dump())
    keep(work)
    return report


def contract_of(settings: Settings) -> Contract:
    """What the settings ask of a table.

    Raises:
        ConfigError: if they ask for a column with a name that is used beside those of the table.
    """
    split = Split.build(settings.split).column
    others = (*settings.leaks.columns, *(() if split is None else (split,)))
    made = {config.name for config in settings.derive}
    contract = Contract(
        [Column.build(config) for config in settings.columns if config.name not in made],
        settings.target,
        [Check.build(config) for config in settings.checks],
        settings.rows,
        others,
        settings.weights,
    )
    for field in contract.needed(training=True):
        if field.name.startswith(PREFIX):
            raise ConfigError(
                f"prepare: {field.name!r}: names that begin with {PREFIX!r} are those of columns"
                " that are added to the table. Rename the column"
            )
    return contract


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say of which table an error is."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _targets_and_splits(
    settings: Settings, schema: Schema, rows: pl.LazyFrame
) -> tuple[pl.LazyFrame, np.ndarray, np.ndarray]:
    """Of the rows that the run has, and these rows."""
    targets = encoded(schema.target, rows.select(schema.target.name).collect().to_series())
    split = Split.build(settings.split)
    by = rows.select(split.column).collect().to_series() if split.column is not None else None
    splits = assigned(split, settings.part, targets, by, settings.seed)
    kept = splits != LEFT_OUT
    if not kept.all():
        marked = pl.concat([rows, pl.LazyFrame({SPLIT: kept})], how="horizontal")
        rows = marked.filter(SPLIT).drop(SPLIT)
    return rows, targets[kept], splits[kept]


def _sampled(
    settings: Settings, targets: np.ndarray, splits: np.ndarray
) -> tuple[np.ndarray, dict[str, Any]]:
    """The splits, without the training rows that are too many, and how many there are and were."""
    if settings.sample is None:
        return splits, {"rows": _counts(splits)}
    # of a share of the training rows the same share: a learning curve has more rows to the right
    rows = max(1, round(settings.sample.rows * settings.part.training))
    kept = sampled(splits, targets, Sample(rows=rows), settings.seed)
    return kept, {"rows": _counts(kept), "sampled_from": _counts(splits)["train"]}


def _counts(splits: np.ndarray) -> dict[str, int]:
    return {name: int((splits == place).sum()) for place, name in enumerate(SPLITS)}


def _leaks(
    settings: Settings, rows: pl.LazyFrame, splits: np.ndarray, targets: np.ndarray, schema: Schema
) -> list[Leak]:
    """Of the whole table: its parts have no others, but fewer rows to measure them from."""
    found = search(rows, splits, targets, schema, settings.leaks) if settings.part == Part() else []
    refuse(found)
    return found


def _write_splits(rows: pl.LazyFrame, splits: np.ndarray, schema: Schema, work: Path) -> None:
    kept = [*(field.name for field in schema.columns), schema.target.name]
    together = pl.concat([rows, pl.LazyFrame({SPLIT: splits})], how="horizontal")
    for place, name in enumerate(SPLITS):
        some = together.filter(pl.col(SPLIT) == place).select(kept)
        some.sink_parquet(work / f"{name}.parquet", compression="lz4", row_group_size=CHUNK)
    in_table = rows.select(pl.col(ROW).cast(pl.Int64)).collect().to_series().to_numpy()
    for place, name in enumerate(SPLITS):
        np.save(row_numbers_file(work, name), in_table[splits == place])


def _derive(
    settings: Settings,
    derivations: Sequence[Derivation],
    targets: Sequence[np.ndarray],
    target: Target,
    work: Path,
) -> list[Leak]:
    """Learn and write the derived columns, and stop if they break a rule or tell the target."""
    made = {derivation.name for derivation in derivations}
    derive(
        Deriving(contract_of(settings).columns, derivations, settings.seed), targets, target, work
    )
    encoded = [Column.build(config) for config in settings.columns if config.name in made]
    refuse_broken(encoded, work)
    if settings.part != Part():  # as of other columns: see `_leaks`
        return []
    found = leaks_of(derivations, targets, settings.leaks, work)
    refuse(found)
    return found


def _write_weights(
    rows: pl.LazyFrame, name: str | None, splits: np.ndarray, work: Path
) -> dict[str, Any]:
    """Write those of each split, if rows have any, and describe those of the training rows."""
    if name is None:
        return {}
    values = rows.select(name).collect().to_series().to_numpy()
    for place, split in enumerate(SPLITS):
        some = values[splits == place]
        if not some.any():
            raise DataError(
                f"weights {name!r}: all {len(some)} rows for {split!r} have the weight 0. Give some"
                " more, change prepare.split, or remove prepare.weights"
            )
        np.save(weights_file(work, split), some)
    train = values[splits == SPLITS.index("train")]
    # Source: Kish 1965, "Survey Sampling", section 8.2
    equal_rows = float(train.sum() ** 2 / (train**2).sum())
    ends = {"min": float(train.min()), "max": float(train.max())}
    return {"weights": {"name": name, **ends, "equal_rows": equal_rows}}


def _fit(
    columns: Sequence[Column], derivations: Sequence[Derivation], train: pl.LazyFrame
) -> dict[str, Any]:
    """Learn, and describe, a few columns at a time, so that no more are held."""

    def learn(column: Column) -> dict[str, Any]:
        values = train.select(column.name).collect().to_series()
        if column.config.feature:
            column.fit(values)
        about = {"name": column.name, "type": column.config.type}
        if column.field.unit:
            about["unit"] = column.field.unit
        return about | profile(meaning(column.field, values))

    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(learn, columns))
    made = {derivation.name for derivation in derivations}
    of_table = [about for about in found if about["name"] not in made]
    if not derivations:
        return {"columns": of_table}
    return {"columns": of_table, "derived": described(derivations, train)}


def _write_graph(columns: Sequence[Column], derivations: Sequence[Derivation], work: Path) -> None:
    graph = preprocessing(columns, derivations)
    onnx.save(graph.model, work / "preprocess.onnx")
    cardinalities = {column.name: column.cardinality for column in columns}
    numbers, codes = graph.numerical, graph.categorical
    features = FeatureNames(
        numbers.names if numbers else (),
        numbers.owners if numbers else (),
        codes.owners if codes else (),
        tuple(cardinalities[name] for name in codes.owners) if codes else (),
    )
    (work / "features.json").write_text(features.dump())


def _write_arrays(
    columns: Sequence[Column], targets: np.ndarray, splits: np.ndarray, work: Path
) -> None:
    encoder = Encoder(columns)
    for place, name in enumerate(SPLITS):
        rows = int((splits == place).sum())
        frame = rows_of(work, name)
        with (
            closing(ArrayFile(work / f"{name}.numerical.npy", rows)) as numerical,
            closing(ArrayFile(work / f"{name}.categorical.npy", rows)) as categorical,
        ):
            for chunk in _encoded(encoder, frame, rows):
                numerical.write(chunk.numerical)
                categorical.write(chunk.categorical)
        np.save(work / f"{name}.target.npy", targets[splits == place])


def _encoded(encoder: Encoder, frame: pl.LazyFrame, rows: int) -> Iterator[Features]:
    """Chunk by chunk and in order, a few at a time."""

    def encode(start: int) -> Features:
        return encoder(frame.slice(start, CHUNK).collect())

    starts = range(0, rows, CHUNK)
    with ThreadPoolExecutor(WORKERS) as pool:
        for place in range(0, len(starts), WORKERS):
            yield from pool.map(encode, starts[place : place + WORKERS])


def _about_target(target: Target, targets: np.ndarray, splits: np.ndarray) -> dict[str, Any]:
    about = {"name": target.name, "kind": target.kind}
    if target.kind == "number":
        return {**about, **profile(pl.Series(targets[splits == 0]))}
    counts = {
        name: np.bincount(targets[splits == place], minlength=len(target.classes)).tolist()
        for place, name in enumerate(SPLITS)
    }
    classes = {
        label: {name: counts[name][code] for name in SPLITS}
        for code, label in enumerate(target.classes)
    }
    return {**about, "classes": classes}
