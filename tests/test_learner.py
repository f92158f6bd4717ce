"""The learner learns, twice the same, and stops where the loss is no number."""

from types import SimpleNamespace

import pytest
import torch
from lightning import Trainer
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.blocks import NUMERICAL
from onward.errors import NotFiniteError
from onward.network.network import Network
from onward.training.batches import Rows
from onward.training.learner import Learner
from onward.training.loading import Chunks, Orders, shuffled_order
from onward.training.loop import schedule_of
from onward.training.settings import Settings


def rows(count: int = 600) -> Rows:
    generator = torch.Generator().manual_seed(0)
    numerical = torch.randn(count, 3, generator=generator)
    categorical = torch.randint(0, 4, (count, 1), generator=generator)
    targets = (numerical[:, 0] - 2 * numerical[:, 1] + categorical[:, 0]).double()
    return rows_of(numerical, categorical, targets)


def learner_of(data: Rows, **settings: object) -> Learner:
    torch.manual_seed(0)
    config = Network.Config.model_validate(
        {
            "embedder": {"type": "identity"},
            "model": {"type": "mlp", "width": 16},
            "head": {"type": "regression"},
        }
    )
    network = Network.fit(config, shape(3, (4,), 0), data.features)
    network.head.fit(data.targets)
    chosen = Learner.Config.model_validate(settings)
    complete = Settings(seed=0, network=config, learner=chosen)
    return Learner(chosen, network, data, data, schedule_of(complete, data))


def fit(data: Rows, **settings: object) -> Learner:
    learner = learner_of(data, **settings)
    trainer = Trainer(
        max_epochs=learner.config.max_epochs,
        accelerator="cpu",
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner)
    return learner


def loss(learner: Learner, data: Rows) -> float:
    learner.network.eval()
    scores = learner.network.scores(data.features)
    return learner.network.head.loss(scores, data.targets).item()


def test_learns() -> None:
    assert loss(fit(rows(), batch_size=32, max_epochs=30, learning_rate=5e-3), rows()) < 0.05


def test_the_learning_rate_rises_stays_and_falls() -> None:
    learner = learner_of(rows(100), batch_size=1, max_epochs=1, warmup=0.2)  # 100 steps

    pace = [learner.schedule.pace(step) for step in range(100)]

    assert pace[0] == pytest.approx(1 / 21)
    assert pace[19] == pytest.approx(20 / 21)
    assert pace[20:71] == [1.0] * 51
    assert pace[85] == pytest.approx(0.5)
    assert pace[99] == pytest.approx(1 / 30)


@pytest.mark.parametrize("warmup", [0.7, 0.9, 0.99])
def test_a_long_rise_leaves_the_end_for_the_fall(warmup: float) -> None:
    learner = learner_of(rows(100), batch_size=1, max_epochs=1, warmup=warmup)

    pace = [learner.schedule.pace(step) for step in range(100)]

    assert all(0 < share <= 1 for share in pace)
    assert pace.index(max(pace)) == pytest.approx(100 * warmup)
    assert pace[99] == pytest.approx(1 / (100 - 100 * warmup))


def test_two_runs_are_equal_to_the_last_bit() -> None:
    first, second = (fit(rows(), batch_size=32, max_epochs=2).network.state_dict() for _ in "ab")
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_an_epoch_is_whole_batches_of_different_rows() -> None:
    order = shuffled_order(1000, 30, seed=0)
    assert len(order) == len(set(order.tolist())) == 990
    assert [len(chunk.numbers) for chunk in Chunks(order, 16 * 30)] == [480, 480, 30]


def test_orders_that_are_drawn_ahead_are_those_asked_for() -> None:
    orders = Orders(lambda epoch: shuffled_order(100, 10, seed=epoch))
    for epoch in (0, 1, 2, 2, 7, 3):
        assert torch.equal(orders(epoch), shuffled_order(100, 10, seed=epoch))


def test_another_epoch_has_another_order() -> None:
    assert not torch.equal(shuffled_order(100, 100, seed=0), shuffled_order(100, 100, seed=1))


def test_rows_that_the_device_has_no_room_for_teach_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = fit(rows(), batch_size=32, max_epochs=2)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=0))
    monkeypatch.setattr("onward.training.learner.STREAMED", 5 * 32 * 28)  # bytes of five steps

    streamed = fit(rows(), batch_size=32, max_epochs=2)

    got = streamed.network.state_dict()
    for name, weight in expected.network.state_dict().items():
        assert torch.equal(weight, got[name]), name
    assert torch.equal(streamed.loss_sum, expected.loss_sum)


def test_chunks_that_are_read_ahead_are_those_of_the_order() -> None:
    data, order = rows(100), shuffled_order(100, 10, seed=0)
    chunks = list(Chunks(order, 30, streamed=data))
    assert torch.equal(torch.cat([chunk.numbers for chunk in chunks]), order)
    for chunk in chunks:
        assert chunk.rows is not None
        for block, values in data.features.items():
            assert torch.equal(chunk.rows.features[block], values[chunk.numbers])
        assert torch.equal(chunk.rows.targets, data.targets[chunk.numbers])


def test_a_table_smaller_than_a_batch_is_one_batch() -> None:
    assert fit(rows(20), batch_size=256, max_epochs=3).steps_taken == 3


def test_a_loss_that_is_no_number_names_step_and_rows() -> None:
    data = rows(64)
    data.features[NUMERICAL][17] = torch.nan
    with pytest.raises(NotFiniteError, match=r"the loss of step 0 is nan; .* rows 0, 1, 2, 3, 4,"):
        fit(data, batch_size=64, max_epochs=1)
