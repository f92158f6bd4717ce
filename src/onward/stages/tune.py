"""Search for better settings of the training, within a budget of trials or minutes."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import inputs_of, publishing, sha256_of_code
from onward.blocks import NUMERICAL
from onward.errors import ConfigError
from onward.network.heads import Head
from onward.training.checkpoints import checkpoint_folder
from onward.training.default_settings import Given, Table, complete, refuse_wrong_head
from onward.training.distributed import available
from onward.training.run import TrainingData
from onward.tuning.clock import Clock
from onward.tuning.documents import best_text, document
from onward.tuning.journal import Journal
from onward.tuning.latency import Limit, Stopwatch
from onward.tuning.sampler import Result, Sampler, always
from onward.tuning.search import Search, best_of
from onward.tuning.settings import TuneSettings as Settings
from onward.tuning.space import Space
from onward.tuning.trainer import Trainer

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)

READS = ("prepare",)
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
    if available().ranks > 1:
        raise ConfigError(
            f"tune: {available().ranks} processes or devices, and trials train in one process on"
            " one device. Start it without torchrun, and with CUDA_VISIBLE_DEVICES=0"
        )
    prepared = Prepared(folder / "prepare")
    if "start_from" in prepared.profiles():
        raise ConfigError(
            "tune: the search trains new networks, and prepare.start_from keeps that of an earlier"
            " model. Remove start_from to search"
        )
    base = complete(given, Table.of(prepared))
    refuse_wrong_head(Head.member(base.network.head), prepared.schema().target)
    space = Space.of(settings.space, base, NUMERICAL in prepared.blocks())
    inputs = inputs_of(folder, *READS)
    trials = checkpoint_folder(folder, "tune")
    journal = Journal(trials / "journal.jsonl", _key(settings, space, inputs["prepare"]))
    data = TrainingData.load(prepared)
    limit = (
        None
        if settings.latency_us is None
        else Limit(settings.latency_us, space, Stopwatch(prepared, data), journal)
    )
    trainer = Trainer(space, data, trials, inputs["prepare"], limit)
    is_feasible = always if limit is None else limit.allows
    sampler = Sampler(space, settings.seed, trainer.trials_per_shape, is_feasible)
    search = Search(sampler, trainer, journal, settings.budget, Clock(trials / "clock.json"))
    for line in search.plan():
        logger.info(line)
    if limit is not None:
        usual = limit.of(space.base_values)
        logger.info("tune: one row takes %.0f µs with the settings of the config", usual)
    with _quiet_trainings():
        search.run()
    if limit is not None:
        _refuse_all_slow(search.results, limit)
    notes = {"inputs": inputs, "settings": settings.model_dump(mode="json")}
    _publish(folder, space, search.results, notes)


def _refuse_all_slow(results: Sequence[Result], limit: Limit) -> None:
    if all(result.failure for result in results):
        raise ConfigError(
            f"tune.latency_us: no network was trained that takes at most {limit.microseconds:g} µs"
            f" for one row; the fastest of {len(limit.journal.latencies)} shapes takes"
            f" {min(limit.journal.latencies.values()):.0f}. Raise the limit, or let `space` have"
            " smaller networks"
        )


def _publish(
    folder: Path, space: Space, results: Sequence[Result], notes: Mapping[str, object]
) -> None:
    best = best_of(results)
    base = next(result for result in results if result.training.trial == 0)
    with publishing(folder / "tune", **notes) as work:
        (work / "best.yaml").write_text(best_text(space, best, base), encoding="utf-8")
        text = json.dumps(document(space, results), indent=1, allow_nan=False)
        (work / "tuning.json").write_text(f"{text}\n")
    logger.info(
        "tune: the best of %d trainings is trial %d with %d epochs: validation loss %.5g; %.5g with"
        " the settings of the config",
        len(results),
        best.training.trial,
        best.training.epochs,
        best.loss,
        base.loss,
    )


def _key(settings: Settings, space: Space, data: str) -> dict[str, str]:
    """What a journal must agree in; machines may differ, as a result stays a result."""
    ranges = settings.space.model_dump_json()
    searched = f"{settings.seed} {ranges} {list(space.ranges.items())} {settings.latency_us}"
    return {
        "config": hashlib.sha256(space.base.model_dump_json().encode()).hexdigest(),
        "search space, latency or seed": hashlib.sha256(searched.encode()).hexdigest(),
        "data": data,
        "code": sha256_of_code(),
    }


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
