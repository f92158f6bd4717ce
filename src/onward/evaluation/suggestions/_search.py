"""From all candidates to the few that help beyond noise."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.evaluation.baselines import targets_of
from onward.evaluation.suggestions._candidates import Candidate, Readable, candidates
from onward.evaluation.suggestions._trees import Trees
from onward.preprocessing.columns import Column, converted
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.out_of_fold import Deriving
from onward.quality.leaks import outcomes, strength
from onward.schema import Field, Target
from onward.tasks import Task, usual_task

ROWS = {"train": 20_000, "validation": 10_000}
NUMBERS, CATEGORIES, DATES = 10, 6, 4  # that candidates are made of, those that tell the most
SHORT = 8  # candidates that trees are fitted with
MOST = 4  # suggestions
CHANCE = 0.05  # of any suggestion where there is nothing to be found
WORTHWHILE = 0.005  # of the loss: less is not worth a line in a config
PROBED = 1_000  # rows whose elapsed times say which unit fits


@dataclass(frozen=True)
class Suggestion:
    """A derived column that helped, added to those before it."""

    candidate: Candidate
    loss: float
    """Of validation rows, with it."""
    gain: float
    """The share of the loss without it that it took away."""
    error: float
    """The standard error of ``gain``."""


@dataclass(frozen=True)
class Suggestions:
    """What was found, and from how much."""

    found: tuple[Suggestion, ...]
    candidates: int
    rows: int
    """Of validation."""
    loss: float
    """Without any of them."""


def suggest(
    prepared: Prepared, columns: Sequence[Column], derivations: Sequence[Derivation], seed: int
) -> Suggestions:
    """Measure what derived columns add to the columns there are.

    Candidates are ranked by how much of what trees leave unexplained each explains by itself, on
    training rows. The best are added to the trees, one at a time, as long as validation rows
    lose less. The chance that noise is suggested is held below `CHANCE` by counting every
    candidate that was measured (Bonferroni), whose gain must hold in each refit, too.

    Args:
        prepared: the table.
        columns: as the config has them, derived ones too.
        derivations: which the config has; candidates come on top.
        seed: of the rows drawn.
    """
    schema = prepared.schema()
    task = usual_task(schema.target)
    train, validation = (_drawn(prepared, split, seed) for split in ROWS)
    made = [each.name for each in derivations]
    raw = [column for column in columns if column.name not in made]
    tried = candidates(_readable(task, train, raw, seed), [*train.columns, *made])
    parts = {each.name: each for candidate in tried for each in candidate.derivations}
    deriving = Deriving(raw, [*derivations, *parts.values()], seed)
    deriving.fit(train.lazy(), targets_of(task, train), schema.target)
    train = _with_derived(train, deriving, are_training=True)
    validation = _with_derived(validation, deriving, are_training=False)
    trees = Trees(task, train, validation, seed)
    given = [column.field for column in columns if column.config.feature]
    short = _screened(tried, train, *trees.residuals(given))
    loss = float(trees.losses(given).mean())
    return Suggestions(tuple(_chosen(trees, given, short)), len(tried), len(validation), loss)


def _drawn(prepared: Prepared, split: str, seed: int) -> pl.DataFrame:
    rows = prepared.rows(split).collect()
    return rows if len(rows) <= ROWS[split] else rows.sample(ROWS[split], seed=seed)


def _with_derived(rows: pl.DataFrame, deriving: Deriving, *, are_training: bool) -> pl.DataFrame:
    made = pl.concat(deriving.derived(rows.lazy(), are_training=are_training))
    return rows.hstack(made.get_columns())


def _readable(task: Task, train: pl.DataFrame, raw: Sequence[Column], seed: int) -> Readable:
    """The columns that candidates are made of; of too many, those that tell the most alone."""
    wanted = outcomes(targets_of(task, train))
    half = np.random.default_rng(seed).permutation(len(train)) % 2 == 0

    meant = converted(train, [column.field for column in raw])

    def best(types: Sequence[str], most: int) -> list[str]:
        names = [column.name for column in raw if column.config.type in types]
        varied = [name for name in names if train[name].drop_nulls().n_unique() > 1]
        told = {name: strength(meant[name], wanted, half) for name in varied}
        return sorted(sorted(varied, key=told.__getitem__)[::-1][:most], key=varied.index)

    dates = best(["datetime"], DATES)
    return Readable(
        best(["numerical", "quantity"], NUMBERS),
        best(["categorical"], CATEGORIES),
        _seconds(raw, dates, train.head(PROBED)),
        task.is_number or len(task.target.classes) == 2,
    )


def _seconds(
    raw: Sequence[Column], dates: Sequence[str], rows: pl.DataFrame
) -> dict[tuple[str, str], float]:
    """The median times between dates."""
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
    made = pl.concat(deriving.derived(rows.lazy(), are_training=False))
    present = [made[name].drop_nulls().to_numpy() for name in names]
    return {
        pair: float(np.median(values))
        for pair, values in zip(pairs, present, strict=True)
        if len(values)
    }


def _screened(
    tried: Sequence[Candidate], train: pl.DataFrame, left: np.ndarray, half: np.ndarray
) -> list[Candidate]:
    """Those that explain most of what trees have left unexplained; training rows say so."""
    # ranks of numbers: of a few large errors nothing is to be learned
    wanted = outcomes(left[:, 0]) if left.shape[1] == 1 else left
    told = {each: strength(train[each.name], wanted, half) for each in tried}
    best = sorted((each for each in tried if told[each] > 0), key=lambda each: -told[each])
    return best[:SHORT]


def _chosen(
    trees: Trees, given: Sequence[Field], short: Sequence[Candidate]
) -> Iterator[Suggestion]:
    """Add the best candidate, and the best beside it, while validation rows lose less."""
    fields, waiting, measured = list(given), list(short), 0
    without = trees.losses(fields)
    for _ in range(MOST):
        losses = {each: trees.losses([*fields, _made(each)]) for each in waiting}
        measured += len(losses)
        if not losses:
            return
        best = min(losses, key=lambda each: float(losses[each].mean()))
        gained = without - losses[best]
        if not _is_beyond_noise(gained, float(without.mean()), measured):
            return
        by_row, loss = gained.mean(axis=0), float(without.mean())
        error = float(by_row.std(ddof=1)) / math.sqrt(len(by_row))
        yield Suggestion(
            best, float(losses[best].mean()), float(by_row.mean()) / loss, error / loss
        )
        waiting = [e for e in waiting if e is not best and losses[e].mean() < without.mean()]
        fields, without = [*fields, _made(best)], losses[best]


def _made(candidate: Candidate) -> Field:
    return Field(candidate.name, "numerical", "number")


def _is_beyond_noise(gained: np.ndarray, loss: float, measured: int) -> bool:
    """Whether ``(refits, rows)`` gains are no luck of the rows, of a fit, or of the many tries."""
    by_row = gained.mean(axis=0)
    error = float(by_row.std(ddof=1)) / math.sqrt(len(by_row))
    chance = 0.5 * math.erfc(float(by_row.mean()) / max(error, 1e-300) / math.sqrt(2))
    return bool(
        by_row.mean() > WORTHWHILE * loss
        and (gained.mean(axis=1) > 0).all()
        and chance * measured < CHANCE
    )
