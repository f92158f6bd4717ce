"""Selection of the candidates with a significant gain."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.evaluation.baselines import can_encode, targets_of
from onward.evaluation.suggestions._candidates import Candidate, Readable, candidates
from onward.evaluation.suggestions._trees import Trees
from onward.preprocessing.columns import Column, convert_quantities
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.out_of_fold import Deriving
from onward.quality.leaks import outcomes, strength
from onward.schema import Field, Target
from onward.tasks import Task, usual_task

SEARCH_ROWS = {"train": 20_000, "validation": 10_000}
MAX_NUMBERS, MAX_CATEGORIES, MAX_DATES = 10, 6, 4  # columns to combine, the strongest ones
SHORTLIST = 8  # candidates to fit trees with
MAX_SUGGESTIONS = 4  # suggestions at most
FALSE_SUGGESTION_RATE = 0.05  # probability of any false suggestion (family-wise error rate)
MIN_GAIN = 0.005  # of the loss; a smaller gain is not worth a line in a config
ELAPSED_ROWS = 1_000  # rows to choose the unit of elapsed times from


@dataclass(frozen=True)
class Suggestion:
    """A derived column that improves the model with the suggestions before it."""

    candidate: Candidate
    loss: float
    """Validation loss with the column."""
    gain: float
    """The relative decrease of the loss."""
    error: float
    """The standard error of ``gain``."""


@dataclass(frozen=True)
class Suggestions:
    """The result of a search."""

    suggestions: tuple[Suggestion, ...]
    candidates: int
    rows: int
    """Number of validation rows."""
    loss: float
    """Validation loss without suggestions."""


def suggest(
    prepared: Prepared, columns: Sequence[Column], derivations: Sequence[Derivation], seed: int
) -> Suggestions:
    """Search for derived columns that improve boosted trees.

    Candidates are ranked by how much of the trees' residuals each explains on training rows. The
    best are added to the trees one at a time, as long as the validation loss decreases. The
    probability of a false suggestion is below `FALSE_SUGGESTION_RATE`, corrected for every measured
    candidate (Bonferroni), and the gain must be positive in each refit.

    Args:
        prepared: the table.
        columns: of the config, including derived ones.
        derivations: of the config; candidates are added to them.
        seed: of the sampled rows.
    """
    schema = prepared.schema()
    task = usual_task(schema.target)
    train, validation = (_sample(prepared, split, seed) for split in SEARCH_ROWS)
    derived_names = [derivation.name for derivation in derivations]
    raw = [column for column in columns if column.name not in derived_names]
    tested = candidates(_readable(task, train, raw, seed), [*train.columns, *derived_names])
    new_derivations = {
        derivation.name: derivation for candidate in tested for derivation in candidate.derivations
    }
    deriving = Deriving(raw, [*derivations, *new_derivations.values()], seed)
    deriving.fit(train.lazy(), targets_of(task, train), schema.target)
    train = _with_derived(train, deriving, are_training=True)
    validation = _with_derived(validation, deriving, are_training=False)
    trees = Trees(task, train, validation, seed)
    features = [column.field for column in columns if column.config.feature]
    fields = [field for field in features if can_encode(field)]
    shortlist = _shortlist(tested, train, *trees.residuals(fields))
    loss = float(trees.losses(fields).mean())
    return Suggestions(tuple(_select(trees, fields, shortlist)), len(tested), len(validation), loss)


def _sample(prepared: Prepared, split: str, seed: int) -> pl.DataFrame:
    rows = prepared.rows(split).collect()
    return rows if len(rows) <= SEARCH_ROWS[split] else rows.sample(SEARCH_ROWS[split], seed=seed)


def _with_derived(rows: pl.DataFrame, deriving: Deriving, *, are_training: bool) -> pl.DataFrame:
    derived = pl.concat(deriving.derive(rows.lazy(), are_training=are_training))
    return rows.hstack(derived.get_columns())


def _readable(task: Task, train: pl.DataFrame, raw: Sequence[Column], seed: int) -> Readable:
    """The columns to combine; of many columns the ones with the strongest univariate effect."""
    target = outcomes(targets_of(task, train))
    half = np.random.default_rng(seed).permutation(len(train)) % 2 == 0

    values = convert_quantities(train, [column.field for column in raw])

    def best(types: Sequence[str], most: int) -> list[str]:
        names = [column.name for column in raw if column.config.type in types]
        varied = [name for name in names if train[name].drop_nulls().n_unique() > 1]
        strengths = {name: strength(values[name], target, half) for name in varied}
        return sorted(sorted(varied, key=strengths.__getitem__)[::-1][:most], key=varied.index)

    dates = best(["datetime"], MAX_DATES)
    return Readable(
        best(["numerical", "quantity"], MAX_NUMBERS),
        best(["categorical"], MAX_CATEGORIES),
        _seconds(raw, dates, train.head(ELAPSED_ROWS)),
        task.is_number or len(task.target.classes) == 2,
    )


def _seconds(
    raw: Sequence[Column], dates: Sequence[str], rows: pl.DataFrame
) -> dict[tuple[str, str], float]:
    """Median elapsed seconds for each pair of date columns."""
    pairs = list(combinations(dates, 2))
    if not pairs:
        return {}
    member = Derivation.members["elapsed"]
    names = [f"{start} to {end}" for start, end in pairs]
    built: list[Derivation] = [
        member(member.Config(name=name, start=start, end=end))
        for name, (start, end) in zip(names, pairs, strict=True)
    ]
    deriving = Deriving(raw, built, 0)
    deriving.fit(rows.lazy(), np.zeros(len(rows)), Target("", "number"))
    derived = pl.concat(deriving.derive(rows.lazy(), are_training=False))
    present = [derived[name].drop_nulls().to_numpy() for name in names]
    return {
        pair: float(np.median(values))
        for pair, values in zip(pairs, present, strict=True)
        if len(values)
    }


def _shortlist(
    tested: Sequence[Candidate], train: pl.DataFrame, left: np.ndarray, half: np.ndarray
) -> list[Candidate]:
    """The candidates that explain most of the trees' residuals on training rows."""
    # ranks are robust against a few large residuals
    target = outcomes(left[:, 0]) if left.shape[1] == 1 else left
    strengths = {candidate: strength(train[candidate.name], target, half) for candidate in tested}
    best = sorted(
        (candidate for candidate in tested if strengths[candidate] > 0),
        key=lambda candidate: -strengths[candidate],
    )
    return best[:SHORTLIST]


def _select(
    trees: Trees, given_fields: Sequence[Field], shortlist: Sequence[Candidate]
) -> Iterator[Suggestion]:
    """Forward selection: add the best candidate while the validation loss decreases."""
    fields, waiting, measured = list(given_fields), list(shortlist), 0
    without = trees.losses(fields)
    for _ in range(MAX_SUGGESTIONS):
        losses = {candidate: trees.losses([*fields, _field(candidate)]) for candidate in waiting}
        measured += len(losses)
        if not losses:
            return
        best = min(losses, key=lambda candidate: float(losses[candidate].mean()))
        gained = without - losses[best]
        if not _is_significant(gained, float(without.mean()), measured):
            return
        by_row, loss = gained.mean(axis=0), float(without.mean())
        error = float(by_row.std(ddof=1)) / math.sqrt(len(by_row))
        yield Suggestion(
            best, float(losses[best].mean()), float(by_row.mean()) / loss, error / loss
        )
        waiting = [e for e in waiting if e is not best and losses[e].mean() < without.mean()]
        fields, without = [*fields, _field(best)], losses[best]


def _field(candidate: Candidate) -> Field:
    return Field(candidate.name, "numerical", "number")


def _is_significant(gained: np.ndarray, loss: float, measured: int) -> bool:
    """Whether gains, ``(refits, rows)``, are significant, consistent over refits, and large."""
    by_row = gained.mean(axis=0)
    error = float(by_row.std(ddof=1)) / math.sqrt(len(by_row))
    chance = 0.5 * math.erfc(float(by_row.mean()) / max(error, 1e-300) / math.sqrt(2))
    return bool(
        by_row.mean() > MIN_GAIN * loss
        and (gained.mean(axis=1) > 0).all()
        and chance * measured < FALSE_SUGGESTION_RATE
    )
