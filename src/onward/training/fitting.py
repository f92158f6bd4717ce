"""Train on the prepared rows what the settings ask for."""

from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError
from onward.network.start import Start
from onward.table.splits import Split
from onward.training.checkpoints import Checkpoints
from onward.training.folds import fit_folds
from onward.training.joined_rows import learned_rows
from onward.training.members import fit_members
from onward.training.run import Trained, TrainingData, fit
from onward.training.settings import Settings
from onward.wording import format_count


def fit_prepared(
    settings: Settings, prepared: Prepared, checkpoints: Checkpoints, start: Start | None = None
) -> Trained:
    """Train one network, one for each fold, or the members of an ensemble; raises as `fit` does.

    Raises:
        ConfigError: if several networks are asked for, and a network to start from; or folds of
            rows that the split keeps together or in order, or more folds than rows.
    """
    data = TrainingData.load(prepared)
    if settings.members and start is not None:
        raise ConfigError(
            "train.members: the model of prepare.start_from is one network, and members are"
            " several. Remove `members`, or `start_from`"
        )
    if settings.folds > 1 and start is not None:
        raise ConfigError(
            "train: the model of prepare.start_from knows rows of all folds, which `folds` or"
            " `effort: best` asks for. Set `folds: 1`, or remove `start_from`"
        )
    if settings.members:
        return fit_members(settings, data, checkpoints)
    if settings.folds > 1:
        _refuse_random_folds(prepared.split_type())
        whole = learned_rows(prepared)
        _refuse_empty_folds(settings.folds, len(whole))
        return fit_folds(settings, data, whole, checkpoints)
    return fit(settings, data, checkpoints, start)


def _refuse_empty_folds(folds: int, rows: int) -> None:
    if folds > rows:
        raise ConfigError(
            f"train.folds: {folds} folds of {format_count(rows, 'row')} for training and"
            f" validation. Set at most {rows}"
        )


def _refuse_random_folds(split: str) -> None:
    if not Split.members[split].has_random_folds:
        raise ConfigError(
            f"train: the table has the split {split!r}, and the folds of `folds` or `effort: best`"
            " are drawn row by row: networks would be judged by rows too much like those that they"
            " learned from. Set `folds: 1`"
        )
