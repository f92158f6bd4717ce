"""An ensemble of networks of other shapes: each trains alone, and one file predicts their mean."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
import torch
from interrupted import KilledError, in_step, kill
from pydantic import ValidationError
from small_members import small
from tiny_search import make
from two_blocks import network as untrained
from two_blocks import rows as rows_of
from two_blocks import shape
from typer.testing import CliRunner

from onward.__main__ import app
from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError
from onward.network.bag import Bag, load_network
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network
from onward.network.start import Start
from onward.schema import Target
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.stages import evaluate, export, report, train
from onward.tasks import usual_task
from onward.training.checkpoints import Checkpoints
from onward.training.default_settings import Given, Table, complete
from onward.training.fingerprint import fingerprint
from onward.training.fitting import fit_prepared
from onward.training.history import LOSS
from onward.training.members import fit_members
from onward.training.run import Trained, TrainingData, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings

CPU = torch.device("cpu")
MEMBERS = """\
  members:
  - count: 3
    network:
      model: {type: mlp, width: 8}
    learner: {learning_rate: 1.0e-2, max_epochs: 3}
  - network: {model: {type: tabm, k: 2, width: 4, depth: 1}, embedder: {type: identity}}
  - learner: {learning_rate: 1.0e-3}
"""


def network(model: str, head: str) -> Network:
    parts = {"embedder": {"type": "identity"}, "model": small(Model, model), "head": {"type": head}}
    built = untrained(Network.Config.model_validate(parts), shape(2, (5,), classes(head)))
    if head == "regression":
        built.head.fit(torch.tensor([10.0, 20.0], dtype=torch.float64))
    return built.eval()


def classes(head: str) -> int:
    return len(Head.members[head].examples) if head != "regression" else 0


@pytest.mark.parametrize("head", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("models", [("mlp", "resnet"), ("tabm", "tabm"), ("tabm", "mlp")])
def test_the_prediction_is_the_weighted_mean(head: str, models: tuple[str, ...]) -> None:
    torch.manual_seed(0)  # with some other rows, a value lies beyond those of the training
    networks = [network(model, head) for model in models]
    bag = Bag(networks, (3, 1)).eval()
    features = rows_of(torch.randn(9, 2), torch.zeros(9, 1, dtype=torch.int64), torch.zeros(9))
    output = "value" if head == "regression" else "probabilities"
    with torch.no_grad():
        first, second = (one(features.features)[output].double() for one in networks)
        found = bag(features.features)[output].double()
        again = load_network(bag.dump()).eval()(features.features)[output].double()
    torch.testing.assert_close(found, (3 * first + second) / 4, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, (first + second) / 2, atol=1e-5, rtol=1e-5)
    assert torch.equal(found, again)


def settings(**changes: Any) -> Settings:
    parts = {"embedder": {"type": "identity"}, "model": small(Model, "mlp")}
    learner = {"max_epochs": 2, "batch_size": 16}
    first = {"count": 2, "network": parts, "learner": learner}
    second = {
        "network": {**parts, "model": small(Model, "tabm")},
        "learner": {**learner, "learning_rate": 1e-2},
    }
    said = {"seed": 0, "network": {**parts, "head": {"type": "regression"}}, "learner": learner}
    return Settings.model_validate({**said, "members": (first, second), **changes})


def data() -> TrainingData:
    parts = []
    for count in (60, 40):
        draw = torch.Generator().manual_seed(count)
        numerical = torch.randn(count, 2, generator=draw)
        codes = torch.randint(0, 5, (count, 1), generator=draw)
        parts.append(rows_of(numerical, codes, 3.0 + numerical.sum(1).double()))
    return TrainingData(shape(2, (5,), 0).blocks, Target("y", "number"), *parts)


def trained(folder: Path) -> Trained:
    return fit_members(settings(), data(), Checkpoints(folder, {"config": "a"}))


def test_each_member_is_the_network_that_its_settings_train_alone(tmp_path: Path) -> None:
    ensemble, table = trained(tmp_path / "all"), data()
    assert isinstance(ensemble.network, Bag)
    pairs = zip(settings().of_members, ensemble.network.members, strict=True)
    for number, (own, member) in enumerate(pairs):
        alone = fit(own, table, Checkpoints(tmp_path / str(number), {})).network
        with torch.no_grad():
            [mine, theirs] = (
                compute_scores(one, table.validation, torch.device("cpu"))
                for one in (member, alone)
            )
        assert torch.equal(mine, theirs)


def test_the_ensemble_is_calibrated_on_its_own_scores(tmp_path: Path) -> None:
    ensemble, validation = trained(tmp_path), data().validation
    with torch.no_grad():
        scores = compute_scores(ensemble.network, validation, CPU)
        found = ensemble.network.head(scores)
    loss = ensemble.network.head.loss(scores, validation.targets).item()
    assert ensemble.ensemble[LOSS] == pytest.approx(loss, rel=1e-6)
    distances = (found["value"] - validation.targets).abs().sort().values
    assert (found["upper"] - found["value"])[0] == pytest.approx(float(distances[36]), rel=1e-6)
    assert isinstance(ensemble.network, Bag)
    again, first = load_network(ensemble.network.dump()), next(iter(ensemble.network.members))
    assert again.head.radius == ensemble.network.head.radius != first.head.radius


def test_a_training_that_is_killed_in_any_member_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole").network.dump()
    for step in (1, 4, 7, 2):  # of 6 for each member, less those of finished epochs
        with pytest.raises(KilledError), in_step(step, kill):
            trained(tmp_path / "cut")
    assert trained(tmp_path / "cut").network.dump() == whole


def given(*members: dict[str, Any], **others: Any) -> Given:
    return Given.model_validate_json(json.dumps({"members": members, **others}))


def table() -> Table:
    return Table(5_000, shape(2, (5,), 0), usual_task(Target("y", "number")))


def test_a_member_has_the_settings_of_the_section_unless_it_has_its_own() -> None:
    first = {"network": {"model": {"type": "tabm", "width": 32}}, "learner": {"batch_size": 7}}
    second = {"count": 4, "network": {"model": "linear"}, "learner": {"learning_rate": "auto"}}
    base = {"network": {"model": {"type": "tabm", "k": 3}}, "learner": {"learning_rate": 1e-3}}

    whole = complete(given(first, second, **base), table())

    one, two = whole.of_members
    assert one.network.model.model_dump() == {**whole.network.model.model_dump(), "width": 32}
    assert one.learner == whole.learner.model_copy(update={"batch_size": 7})
    assert one.network.embedder == two.network.embedder == whole.network.embedder
    assert two.network.model.model_dump() == {"type": "linear"}
    assert two.learner == whole.learner
    assert whole.counts == (1, 4)
    assert complete(Given.model_validate_json(given(first).model_dump_json()), table()).members


def test_the_files_of_all_members_decide_whether_a_training_resumes() -> None:
    one = settings(members=())
    assert fingerprint(settings(), "a")["code"] != fingerprint(one, "a")["code"]
    assert fingerprint(settings(), "a")["train.members"] != fingerprint(one, "a")["train.members"]


@pytest.mark.parametrize(
    ("name", "value"), [("folds", 3), ("refit", "validation"), ("selection", {})]
)
def test_what_cannot_be_combined_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"members cannot be combined with {name}. Remove"):
        given({"learner": {"learning_rate": 1e-3}}, **{name: value})


def test_the_same_network_twice_is_refused() -> None:
    same = {"learner": {"learning_rate": 1e-3}}
    with pytest.raises(ConfigError, match="members 1 and 3 have the same settings"):
        complete(given(same, {}, {"count": 2, **same}), table())


def test_a_head_of_a_member_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        given({"network": {"head": "regression"}})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an exported ensemble."""
    folder = make(tmp_path_factory.mktemp("project"))
    config = folder / "c.yaml"
    config.write_text(config.read_text() + MEMBERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train.run(section(config, "train", train.Settings), folder / "artifacts/c")
        export.run(export.Settings(), folder / "artifacts/c")
    return folder


def test_one_file_predicts_the_mean_of_networks_of_other_shapes(project: Path) -> None:
    out = project / "artifacts/c"
    network = load_network((out / "train/network.pt").read_bytes()).eval()
    assert isinstance(network, Bag)
    assert [one.ensemble_size for one in network.members] == [1, 2, 1]
    raw = pl.read_csv(project / "table.csv").drop("y").head(50)
    session = onnxruntime.InferenceSession(out / "prepare/preprocess.onnx")
    feed = {name: raw[name].to_numpy()[:, None] for name in raw.columns}
    [numbers] = session.run(None, {i.name: feed[i.name] for i in session.get_inputs()})
    features = {"numerical": torch.from_numpy(numbers)}
    with torch.no_grad():
        values = [one(features)["value"].numpy() for one in network.members]

    found = Predictor(out / "export/model.onnx")(raw.to_dict(as_series=False))["value"]

    np.testing.assert_allclose(found, np.average(values, 0, [3, 1, 1]), rtol=1e-4, atol=1e-5)


def test_the_file_says_what_its_members_are(project: Path) -> None:
    metrics = json.loads((project / "artifacts/c/train/metrics.json").read_text())
    assert [one["count"] for one in metrics["members"]] == [3, 1, 1]
    assert metrics[LOSS] < max(one[LOSS] for one in metrics["members"])
    model = project / "artifacts/c/export/model.onnx"
    said = " ".join(CliRunner().invoke(app, ["describe", str(model)]).output.split())
    assert "member 1 60 % of the mean: mlp, width 8, depth 1" in said
    assert "member 2 20 % of the mean: tabm, k 2, width 4" in said
    assert CliRunner().invoke(app, ["verify", str(model)]).exit_code == 0


def test_the_report_lists_the_networks(project: Path) -> None:
    out = project / "artifacts/c"
    evaluate.run(evaluate.Settings(), out)
    report.run(report.Settings(), out)
    page, card = ((out / "report" / name).read_text() for name in ("report.html", "model_card.md"))
    assert "averages the predictions of 3 networks" in page
    assert "<b>member 3</b>: 20 % of the mean: mlp, width 4" in page
    assert ">member 1</th>" in page  # whose time it is
    assert ">this run</th>" not in page
    assert "- member 1: 60 % of the mean: mlp, width 8" in card


def test_a_network_to_start_from_is_refused(project: Path, tmp_path: Path) -> None:
    start = Start(network("mlp", "regression"), ())
    with pytest.raises(ConfigError, match=r"train.members: the model of prepare.start_from is one"):
        fit_prepared(
            settings(), Prepared(project / "artifacts/c/prepare"), Checkpoints(tmp_path, {}), start
        )


def test_k_of_the_members_is_refused(project: Path, tmp_path: Path) -> None:
    out = shutil.copytree(project / "artifacts/c", tmp_path / "c")
    with pytest.raises(ConfigError, match=r"export.k: the model consists of several networks"):
        export.run(export.Settings(k=1), out)


def test_a_check_tries_members(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    done = CliRunner().invoke(app, ["check", "c.yaml"])
    assert done.exit_code == 0, done.output
    assert "member 1 of 3, 60 % of the mean: mlp, width 8, depth 1" in done.output
    assert "up to 3 epochs" in done.output


def test_a_check_tries_members_that_differ_in_their_epochs_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make(tmp_path))
    config = Path("c.yaml")
    members = "".join(f"  - learner: {{max_epochs: {epochs}}}\n" for epochs in (3, 9))
    config.write_text(f"{config.read_text()}  members:\n{members}")
    done = CliRunner().invoke(app, ["check", "c.yaml"])
    assert done.exit_code == 0, done.output
    assert "member 2 of 2" in done.output
