"""A model that answers a share of the requests."""

from dataclasses import dataclass

from onward.serving.server.sampling import is_sampled
from onward.serving.server.served_model import ServedModel


@dataclass(frozen=True)
class Canary:
    """Takes the place of the model of its name for some request ids, always the same ones."""

    model: ServedModel
    share: float

    def instead_of(self, model: ServedModel, request_id: str) -> ServedModel:
        """The model that answers a request."""
        if model.name != self.model.name or not is_sampled(request_id, self.share, "canary"):
            return model
        return self.model
