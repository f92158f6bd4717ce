"""Requests that are ready together share a run, and each gets what its rows are predicted."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_model import TABLE, example
from msgspec.structs import replace

from onward.errors import DataError
from onward.serving.input_arrays import Array
from onward.serving.server.batches import MOST, Batches, Pending
from onward.serving.server.messages import Response
from onward.serving.server.prediction import Prediction
from onward.serving.server.served_model import ServedModel
from onward.serving.tabular_inputs import Values

ROWS = TABLE.to_dicts()


class Counted(ServedModel):
    """Notes the rows of each run."""

    def __init__(self, path: Path) -> None:
        super().__init__("income", path)
        self.runs: list[int] = []

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        self.runs.append(len(feed["age"]))
        return super().run(feed)


@pytest.fixture
def model(tmp_path: Path) -> Counted:
    return Counted(example(tmp_path / "income.onnx"))


def pending(model: ServedModel, rows: Sequence[int]) -> Pending:
    """A request for these rows of the table, in turn."""
    chosen = [ROWS[row % len(ROWS)] for row in rows]
    columns = {name: [row[name] for row in chosen] for name in ROWS[0]}
    return Pending(model, columns, len(rows), 0, 0, lambda _: Response(b""))


def together(*requests: Pending) -> list[Prediction | BaseException]:
    """The predictions of requests that the event loop finds ready together, or what they raise."""

    async def add() -> list[Prediction | BaseException]:
        batches = Batches()
        found = asyncio.gather(*map(batches.add, requests), return_exceptions=True)
        return await asyncio.wait_for(found, 30)

    return asyncio.run(add())


def test_requests_share_a_run_and_get_their_own_rows(model: Counted) -> None:
    sizes = [1, 3, 0, 2]
    requests = [pending(model, range(7 * n, 7 * n + size)) for n, size in enumerate(sizes)]
    alone = [model.run(model.feed(request.columns)) for request in requests]
    model.runs.clear()

    found = together(*requests)

    assert model.runs == [sum(sizes)]
    seconds = [prediction.timing.run for prediction in found if isinstance(prediction, Prediction)]
    assert seconds == pytest.approx([sum(seconds) * size / sum(sizes) for size in sizes])
    for prediction, wanted in zip(found, alone, strict=True):
        assert isinstance(prediction, Prediction)
        assert prediction.outputs["label"].tolist() == wanted["label"].tolist()
        for name in set(wanted) - {"label"}:
            np.testing.assert_allclose(prediction.outputs[name], wanted[name], rtol=1e-5)


def test_a_shared_run_has_few_rows(model: Counted) -> None:
    sizes = [MOST - 1, 1, 1, 3 * MOST, 1]
    found = together(*(pending(model, range(size)) for size in sizes))
    assert model.runs == [MOST, 2, 3 * MOST]
    assert [len(one.outputs["label"]) for one in found if isinstance(one, Prediction)] == sizes


def test_requests_for_other_models_have_other_runs(tmp_path: Path, model: Counted) -> None:
    other = Counted(example(tmp_path / "other.onnx"))
    together(*(pending(one, [0]) for one in (model, other, model)))
    assert (model.runs, other.runs) == ([2], [1])


def test_values_of_several_kinds_share_a_run(model: Counted) -> None:
    requests = [pending(model, [0, 1]) for _ in range(4)]
    whole = [np.array([1, 2], kind) for kind in (np.int32, np.float32)]
    given: list[Values] = [*whole, ["1", None], np.array([True, False])]
    for index, ages in enumerate(given):
        columns = {**requests[index].columns, "age": ages, "children": whole[index % 2]}
        requests[index] = replace(requests[index], columns=columns)

    found = together(*requests)

    assert model.runs == [8]
    check_feeds(model, found, requests)


def test_no_value_takes_the_type_of_another_request(model: Counted) -> None:
    class Noted(Counted):
        def feed(self, columns: Mapping[str, Values]) -> dict[str, Array]:
            joined.append(columns["age"])
            return super().feed(columns)

    joined: list[Values] = []
    large = 2**60 + 1  # no float64
    noted = Noted(model.path)
    ages = [np.array([large]), np.array([0.5])]
    requests = [pending(noted, [0]) for _ in ages]
    together(
        *(
            replace(request, columns={**request.columns, "age": age})
            for request, age in zip(requests, ages, strict=True)
        )
    )

    assert int(joined[0][0]) == large  # numpy compares as float64


def check_feeds(
    model: Counted, found: Sequence[Prediction | BaseException], requests: Sequence[Pending]
) -> None:
    """Each prediction has the arrays that its request has alone."""
    for prediction, request in zip(found, requests, strict=True):
        assert isinstance(prediction, Prediction)
        np.testing.assert_equal(prediction.feed, model.feed(request.columns))


def test_a_run_that_fails_fails_for_each_of_its_requests(model: Counted) -> None:
    class Broken(Counted):
        def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
            raise ValueError

    broken = Broken(model.path)
    *failed, fine = together(pending(broken, [0]), pending(broken, [1]), pending(model, [0]))
    assert all(isinstance(error, ValueError) for error in failed)
    assert isinstance(fine, Prediction)


def test_a_value_that_does_not_fit_refuses_its_own_request_only(model: Counted) -> None:
    good = [pending(model, [number]) for number in range(4)]
    wrong = pending(model, [4, 5])
    wrong = replace(wrong, columns={**wrong.columns, "age": [39.0, "old"]})

    *found, error = together(*good[:2], *good[2:], wrong)

    assert isinstance(error, DataError)
    assert "column 'age', row 1: 'old'" in str(error)
    assert model.runs == [2, 1, 1]
    check_feeds(model, found, good)


def test_lists_in_very_many_lists_are_refused(model: Counted) -> None:
    """The decoder accepts nearly a thousand, and the message could not show them."""
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    deep, good = pending(model, [0]), pending(model, [1])
    deep = replace(deep, columns={**deep.columns, "age": [value]})

    error, found = together(deep, good)

    assert isinstance(error, DataError)
    assert "too many lists" in str(error)
    check_feeds(model, [found], [good])


def test_one_request_after_another_is_not_kept_waiting(model: Counted) -> None:
    async def ask() -> None:
        batches = Batches()
        for number in range(3):
            await batches.add(pending(model, [number]))

    asyncio.run(ask())
    assert model.runs == [1, 1, 1]


def test_a_run_is_answered_before_the_next_one(model: Counted) -> None:
    runs_at_answer: list[int] = []

    async def ask() -> None:
        batches = Batches()

        async def one() -> None:
            await batches.add(pending(model, range(MOST)))
            runs_at_answer.append(len(model.runs))

        await asyncio.wait_for(asyncio.gather(one(), one(), one()), 30)

    asyncio.run(ask())
    assert runs_at_answer == [1, 2, 3]


def test_a_cancelled_request_keeps_no_other_from_its_outputs(model: Counted) -> None:
    async def ask() -> list[Prediction]:
        batches = Batches()
        cancelled, *others = (batches.add(pending(model, range(size))) for size in (1, 2, MOST))
        cancelled.cancel()
        return await asyncio.wait_for(asyncio.gather(*others), 30)

    found = asyncio.run(ask())
    assert [len(prediction.outputs["label"]) for prediction in found] == [2, MOST]
    assert model.runs == [2, MOST]
