"""A run that was cut, wherever and however often, ends with the bits of one that was not."""

import math
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from interrupted import KilledError, in_pass, in_step, kill
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.artifacts.process import signals_received
from onward.training import learner, loop
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.loop import train
from onward.training.settings import Settings

CHUNK = 4
STEPS = 2 * CHUNK + 2  # in an epoch, of three chunks
EPOCHS = 3
ALL = STEPS * EPOCHS
BATCH = 4
KEY = {"config": "1"}


def rows(count: int) -> Rows:
    generator = torch.Generator().manual_seed(count)
    numerical = torch.randn(count, 2, generator=generator)
    categorical = torch.randint(0, 5, (count, 1), generator=generator)
    return rows_of(numerical, categorical, (numerical.prod(1) + categorical[:, 0]).double())


def fit(folder: Path, **changes: Any) -> tuple[bytes, list[dict[str, float]]]:
    network = {
        "embedder": {"type": "piecewise_linear", "bins": 4},
        "model": {"type": "mlp", "width": 8, "depth": 1, "dropout": 0.2},
        "head": {"type": "regression"},
    }
    document = {
        "seed": 3,
        "network": network,
        "learner": {"batch_size": BATCH, "max_epochs": EPOCHS, "learning_rate": 0.01, **changes},
    }
    run = Settings.model_validate(document)
    table, validation = rows(STEPS * BATCH + 3), rows(50)
    found, history = train(run, shape(2, (5,), 0), table, validation, Checkpoints(folder, KEY))
    return found.dump(), history


@cache
def uninterrupted() -> tuple[bytes, list[dict[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        return fit(Path(folder))


def terminate() -> None:
    signal.raise_signal(signal.SIGTERM)


def cut(folder: Path, **changes: Any) -> None:
    """Run until something cuts it."""
    with pytest.raises((SystemExit, KilledError)) as caught:
        fit(folder, **changes)
    if isinstance(caught.value, SystemExit):
        assert caught.value.code == 143
    signals_received().clear()


def cut_in(gaps: list[int], folder: Path, act: Callable[[], None]) -> None:
    """Run as often as there are gaps, each time until so many steps, if as many are left."""
    for gap in gaps:
        with in_step(gap, act), suppress(KilledError, SystemExit):
            fit(folder)
        signals_received().clear()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "CHUNK", CHUNK)


@pytest.fixture
def saves_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "INTERVAL", 0.0)
    monkeypatch.setattr(loop, "SHARE", math.inf)


@given(st.lists(st.integers(1, ALL), min_size=1, max_size=3))
@example([1])
@example([CHUNK])
@example([STEPS - 1])  # in the last chunk of an epoch, before its validation
@example([STEPS, STEPS])
@example([ALL])
@settings(max_examples=12)
def test_signals_in_any_steps_change_nothing(gaps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        cut_in(gaps, Path(name), terminate)
        assert fit(Path(name)) == uninterrupted()


@pytest.mark.usefixtures("saves_always")
@given(st.lists(st.integers(1, ALL), min_size=1, max_size=3))
@example([1])  # before the first checkpoint
@example([CHUNK + 1])
@example([STEPS + 1])
@settings(max_examples=12)
def test_kills_in_any_steps_change_nothing(gaps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        cut_in(gaps, Path(name), kill)
        assert fit(Path(name)) == uninterrupted()


@pytest.mark.usefixtures("saves_always")
@pytest.mark.parametrize("act", [terminate, kill])
@pytest.mark.parametrize("number", [1, EPOCHS])
def test_an_end_in_validation_changes_nothing(
    tmp_path: Path, act: Callable[[], None], number: int
) -> None:
    with in_pass(number, act, training=False):
        cut(tmp_path)
    assert fit(tmp_path) == uninterrupted()


@pytest.mark.usefixtures("saves_always")
@pytest.mark.parametrize("changes", [{}, {"max_epochs": 40, "patience": 1, "learning_rate": 0.1}])
def test_a_run_that_was_killed_while_publishing_trains_no_more(
    tmp_path: Path, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = fit(tmp_path, **changes)
    with in_step(1, kill):
        assert fit(tmp_path, **changes) == first
    assert "train: resumed at step" in caplog.text


def test_the_time_of_all_parts_counts(tmp_path: Path) -> None:
    used = [0.0]
    for steps in (20 * STEPS, 1):
        with in_step(steps, terminate):
            cut(tmp_path, max_epochs=100, patience=100, max_time=60.0)
        state = Checkpoints(tmp_path, KEY).newest()
        assert state is not None
        used.append(state["timer"]["time_elapsed"]["train"])
    assert used == sorted(used)


@pytest.mark.usefixtures("saves_always")
def test_no_more_is_trained_when_the_time_is_up(tmp_path: Path) -> None:
    _, history = fit(tmp_path, max_epochs=100_000, patience=100_000, max_time=0.2)
    with in_step(1, kill):
        _, again = fit(tmp_path, max_epochs=100_000, patience=100_000, max_time=0.2)
    assert again == history


def test_a_run_says_where_it_was_cut_and_where_it_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with in_step(STEPS + 1, terminate):
        cut(tmp_path)
    fit(tmp_path)
    place = f"step {STEPS + CHUNK} of {ALL} (epoch 2)"
    assert f"train: interrupted at {place}" in caplog.text
    assert f"train: resumed at {place}" in caplog.text
