"""Search for better settings of the training, within a budget of trials or minutes."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import onnx
import torch
from onnx import ModelProto, helper

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import inputs_of, publishing, sha256_of_code
from onward.blocks import NUMERICAL
from onward.errors import ConfigError
from onward.evaluation.latency import of_single_rows
from onward.export.joining import join_graphs
from onward.export.notes import metadata
from onward.network.bag import Bag
from onward.network.heads import Head
from onward.network.scoring import Shape
from onward.serving.model_file import seal
from onward.serving.predictor import Predictor
from onward.table.splits import Split
from onward.tasks import Task
from onward.training.batches import Rows
from onward.training.checkpoints import checkpoint_folder
from onward.training.column_selection import LEAST_ROWS
from onward.training.default_settings import Given, Table, complete, refuse_wrong_head
from onward.training.distributed import available
from onward.training.fingerprint import section_hashes
from onward.training.folds import folds
from onward.training.loop import new_network
from onward.training.run import TrainingData
from onward.training.scores import compute_scores
from onward.training.settings import Settings as Complete
from onward.tuning.documents import (
    about_ensemble,
    about_folds,
    about_winner,
    best_text,
    document,
)
from onward.tuning.ensemble import Counted, Ensemble, best_ensemble
from onward.tuning.journal import Journal
from onward.tuning.latency import Limit
from onward.tuning.library import Library
from onward.tuning.on_folds import (
    FOLDS,
    OnFolds,
    automatic_settings,
    compare_on_folds,
    name_of,
    prefer,
    relative_time,
    space_for_folds,
)
from onward.tuning.optuna_points import OptunaPoints, load_optuna
from onward.tuning.points import Points, SobolPoints, always
from onward.tuning.results import Result
from onward.tuning.sampler import Sampler
from onward.tuning.search import Search
from onward.tuning.settings import TuneSettings as Settings
from onward.tuning.space import Space
from onward.tuning.trainer import Trainer
from onward.tuning.winner import Winner, winner
from onward.wording import format_count

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)

READS = ("prepare",)
ROWS = 1_000  # raw rows, of which each call predicts one
IS_ON_REQUEST = True


def run(settings: Settings, given: Given, folder: Path) -> None:
    """Write ``best.yaml``, a section ``train``, and ``tuning.json`` with all trials.

    The journal of trials lies beside the published folder and stays: a search that was killed goes
    on, and one with a larger budget continues.

    Args:
        settings: of the search.
        given: the section ``train``, whose settings stay unless they are searched.
        folder: of the results of the config.
    """
    prepared = Prepared(folder / "prepare")
    _refuse_unsearchable(prepared)
    search = _search(settings, given, folder, prepared)
    trainer = search.trainer
    _log_plan(search)
    with _quiet_trainings():
        search.run()
        if trainer.limit is not None:
            _refuse_all_slow(search.results, trainer.limit)
        library = Library.of(search.results, trainer.scores)
        best = winner(search.results, library)
        ensemble = _ensemble(settings, given, trainer, library, best)
        folds = _on_folds(settings, given, prepared, search, best)
    several = prefer(ensemble, folds)
    notes = {
        "inputs": inputs_of(folder, *READS),
        "settings": settings.model_dump(mode="json"),
    }
    found = document(trainer.space, search.results, best, *several)
    _publish(folder, best_text(trainer.space, best, *several), found, notes)
    _log(len(search.results), best, *several)


def _search(settings: Settings, given: Given, folder: Path, prepared: Prepared) -> Search:
    """The search, with the results that its journal has."""
    base = complete(given, Table.of(prepared))
    refuse_wrong_head(Head.member(base.network.head), prepared.schema().target)
    space = Space.of(settings.space, base, NUMERICAL in prepared.blocks())
    space = replace(space, automatic=automatic_settings(given, Table.of(prepared), space))
    data_hash, trials = inputs_of(folder, *READS)["prepare"], checkpoint_folder(folder, "tune")
    journal = Journal(trials / "journal.jsonl", _key(settings, space, data_hash))
    data = TrainingData.load(prepared)
    limit = _limit(settings, space, prepared, data, journal)
    trainer = Trainer(space, data, trials, data_hash, limit)
    sampler = Sampler(_points(settings, space, limit), trainer.trials_per_shape)
    folds = 0.0 if _reason_for_no_folds(settings, given, prepared) else relative_time(space)
    return Search(sampler, trainer, journal, settings.budget, folds)


def _log_plan(search: Search) -> None:
    for line in search.plan():
        logger.info(line)
    if (limit := search.trainer.limit) is not None:
        usual = limit.of(search.trainer.space.base_values)
        logger.info("tune: one row takes %.0f µs with the settings of the config", usual)


def _points(settings: Settings, space: Space, limit: Limit | None) -> Points:
    is_feasible = always if limit is None else limit.allows
    if settings.sampler == "optuna":
        return OptunaPoints(space, settings.seed, is_feasible)
    return SobolPoints(space, settings.seed, is_feasible)


def _refuse_unsearchable(prepared: Prepared) -> None:
    if available().ranks > 1:
        raise ConfigError(
            f"tune: {available().ranks} processes or devices, and trials train in one process on"
            " one device. Start it without torchrun, and with CUDA_VISIBLE_DEVICES=0"
        )
    if "start_from" in prepared.profiles():
        raise ConfigError(
            "tune: the search trains new networks, and prepare.start_from keeps that of an earlier"
            " model. Remove start_from to search"
        )
    if (rows := prepared.num_rows("validation")) < LEAST_ROWS:
        raise ConfigError(
            f"tune: the validation set has {format_count(rows, 'row')}, too few to compare"
            f" trainings: {LEAST_ROWS} are needed. Increase `validation` in prepare.split, or add"
            " rows"
        )


def _limit(
    settings: Settings, space: Space, prepared: Prepared, data: TrainingData, journal: Journal
) -> Limit | None:
    if settings.latency_us is None:
        return None
    return Limit(settings.latency_us, space, Stopwatch(prepared, data), journal)


class Stopwatch:
    """Measures the exported file of an untrained network, whose weights do not matter.

    Args:
        prepared: the rows and the preprocessing.
        data: the same rows, for what embedders and head learn from them.
    """

    def __init__(self, prepared: Prepared, data: TrainingData) -> None:
        self._data, self._schema = data, prepared.schema()
        self._preprocessing = onnx.load_from_string(prepared.preprocessing())
        self._notes = {"text_readers": prepared.text_readers()}
        rows = prepared.rows("validation").head(ROWS).collect()
        self._rows = rows.select(field.name for field in self._schema.columns)

    def __call__(self, settings: Complete) -> float:
        """Microseconds for one row, in half of the calls."""
        content = self.file(settings).SerializeToString()
        return of_single_rows(Predictor(seal(content)), self._rows)["single_row_p50_us"]

    def file(self, settings: Complete) -> ModelProto:
        """What `export` would write, calibrated: operators with 0 or 1 would be left out."""
        data, schema = self._data, self._schema
        shape = Shape(data.blocks, len(data.target.classes))
        networks = [
            new_network(one.network, rows, shape, targets=data.train.targets)
            for one in settings.of_members
            for rows in self._learned(settings)
        ]
        counts = settings.counts if settings.members else None
        is_one = len(networks) == 1 and counts is None
        network = (networks[0] if is_one else Bag(networks, counts)).eval()
        known = data.validation.between(0, ROWS)
        with torch.no_grad():
            scores = compute_scores(network, known, torch.device("cpu"))
            network.head.calibrate(scores, known.targets, known.weights)
        model = join_graphs(self._preprocessing, network, schema.target.classes)
        task = Task.members[network.head.task](schema.target)
        helper.set_model_props(model, metadata(task, schema, self._notes))
        return model

    def _learned(self, settings: Complete) -> list[Rows]:
        """The rows of each network: networks of folds have bins of their own, which take time."""
        rows, count = self._data.train, settings.folds
        if count == 1:
            return [rows]
        fold_of = folds(rows.targets, count, settings.seed)
        return [rows.take((fold_of != fold).nonzero()[:, 0]) for fold in range(count)]


def _refuse_all_slow(results: Sequence[Result], limit: Limit) -> None:
    if all(result.failure for result in results):
        raise ConfigError(
            f"tune.latency_us: no network was trained that takes at most {limit.microseconds:g} µs"
            f" for one row; the fastest of {len(limit.journal.latencies)} shapes takes"
            f" {min(limit.journal.latencies.values()):.0f}. Raise the limit, or let `space` have"
            " smaller networks"
        )


def _ensemble(
    settings: Settings, given: Given, trainer: Trainer, library: Library, best: Winner
) -> Ensemble:
    """The best ensemble of the trainings that keeps to the latency limit."""
    if settings.members == 1:
        return Ensemble(refusal="tune.members is 1")
    if others := given.without_members():
        return Ensemble(refusal=f"train.members cannot be combined with train.{others[0]}")
    space, limit = trainer.space, trainer.limit

    def is_fast(members: Sequence[Counted]) -> bool:
        pairs = [
            (space.settings(one.result.training.values, one.result.training.epochs), one.count)
            for one in members
        ]
        return limit is None or limit.allows_settings(space.ensemble(pairs))

    return best_ensemble(library, settings.members, is_fast, best.choose)


def _reason_for_no_folds(settings: Settings, given: Given, prepared: Prepared) -> str:
    """Why the best settings are not tried on folds; empty if they are."""
    if settings.members < FOLDS:
        return f"tune.members is {settings.members}"
    if given.folds is not None:
        return f"train.folds is {given.folds}"
    if others := given.without_members():
        return f"the config has train.{others[0]}"
    if not Split.members[split := prepared.split_type()].has_random_folds:
        return f"folds are drawn row by row, and the split is {split!r}"
    if (rows := prepared.num_rows("train")) < LEAST_ROWS:
        return f"there are {format_count(rows, 'training row')}"
    return ""


def _on_folds(
    settings: Settings, given: Given, prepared: Prepared, search: Search, best: Winner
) -> OnFolds:
    """The best settings on folds, if there is time, and the file is fast enough."""
    if reason := _reason_for_no_folds(settings, given, prepared):
        return OnFolds(refusal=reason)
    trainer, training = search.trainer, best.result.training
    if best.result.failure:
        return OnFolds(refusal="no training succeeded")
    space = space_for_folds(given, Table.of(prepared), trainer.space)
    several = space.settings(training.values, training.epochs)
    is_trained = name_of(several) in search.journal.folds
    if not is_trained and not search.affords_folds(best.result):
        seconds = search.seconds_on_folds(best.result)
        return OnFolds(
            refusal=f"they take about {seconds:.0f} s, too long for tune.minutes: raise it"
        )
    if trainer.limit is not None and not trainer.limit.allows_settings(several):
        return OnFolds(refusal="they take too long for one row")
    return compare_on_folds(several, trainer, search.journal)


def _publish(
    folder: Path, best: str, found: Mapping[str, object], notes: Mapping[str, object]
) -> None:
    with publishing(folder / "tune", **notes) as work:
        (work / "best.yaml").write_text(best, encoding="utf-8")
        text = json.dumps(found, indent=1, allow_nan=False)
        (work / "tuning.json").write_text(f"{text}\n")


def _log(trainings: int, best: Winner, ensemble: Ensemble, folds: OnFolds) -> None:
    lowest = best.lowest
    if lowest is best.of_config:
        logger.info(
            "tune: none of %s has a lower validation loss than the settings of the config: %.5g",
            format_count(trainings, "training"),
            lowest.loss,
        )
    else:
        logger.info(
            "tune: the lowest loss of %d trainings is that of trial %d with %s: validation loss"
            " %.5g; %.5g with the settings of the config",
            trainings,
            lowest.training.trial,
            format_count(lowest.training.epochs, "epoch"),
            lowest.loss,
            best.of_config.loss,
        )
    for about in (about_winner(best), about_ensemble(ensemble), about_folds(folds, best)):
        if about:
            logger.info("tune: %s", about)


def _key(settings: Settings, space: Space, data: str) -> dict[str, str]:
    """What a journal must agree in; machines may differ, as a result stays a result."""
    ranges = f"{settings.space.model_dump_json()} {list(space.ranges.items())}"
    return {
        **section_hashes(space.base),
        "tune.space": hashlib.sha256(ranges.encode()).hexdigest(),
        "tune.seed": str(settings.seed),
        "tune.sampler": _name(settings),
        "tune.latency_us": str(settings.latency_us),
        "prepared data": data,
        "code": sha256_of_code(),
    }


def _name(settings: Settings) -> str:
    """The sampler with its version, if it has one of its own.

    Raises:
        ExtraError: if it is not installed.
    """
    if settings.sampler == "optuna":
        return f"optuna {load_optuna().__version__}"
    return settings.sampler


@contextmanager
def _quiet_trainings() -> Iterator[None]:
    """No line for each epoch."""
    training = logging.getLogger("onward.training")
    level = training.level
    training.setLevel(logging.WARNING)
    try:
        yield
    finally:
        training.setLevel(level)
