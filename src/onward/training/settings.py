"""The settings of a training, complete: nothing in them depends on a table."""

from pydantic import PositiveInt

from onward.network.network import Body, Network
from onward.settings.family import Seed
from onward.settings.family import Settings as Base
from onward.training.class_balance import Balanced, ClassWeights
from onward.training.learner import Learner


class Member(Base):
    """Settings of a network of an ensemble, which share all others."""

    count: PositiveInt = 1
    network: Body
    learner: Learner.Config


class Settings(Base):
    """Complete training settings.

    If there are ``members``, these are trained, and not the ``network`` with the ``learner``.
    """

    seed: Seed
    network: Network.Config
    class_weights: ClassWeights | None = None
    sampler: Balanced | None = None
    folds: PositiveInt = 1
    learner: Learner.Config = Learner.Config()
    members: tuple[Member, ...] = ()

    @property
    def of_members(self) -> "tuple[Settings, ...]":
        """The settings of the training of each member; without members, these."""
        return tuple(map(self._of, self.members)) or (self,)

    @property
    def counts(self) -> tuple[int, ...]:
        """How often each member counts in the mean."""
        return tuple(member.count for member in self.members) or (1,)

    def _of(self, member: Member) -> "Settings":
        body, head = dict(member.network), self.network.head
        network = Network.Config(**body, head=head)
        changes = {"network": network, "learner": member.learner, "members": ()}
        return self.model_copy(update=changes)
