"""The settings of a training, complete: nothing in them depends on a table."""

from pydantic import PositiveInt

from onward.network.network import Network
from onward.settings.family import Seed
from onward.settings.family import Settings as Base
from onward.training.class_balance import Balanced, ClassWeights
from onward.training.learner import Learner


class Settings(Base):
    """Complete training settings."""

    seed: Seed
    network: Network.Config
    class_weights: ClassWeights | None = None
    sampler: Balanced | None = None
    folds: PositiveInt = 1
    learner: Learner.Config = Learner.Config()
