"""A model that answers a share of the requests."""

from dataclasses import dataclass

from onward.serving.server.sampling import is_sampled
from onward.serving.server.served_model import ServedModel


@dataclass(frozen=True)
class Canary:
    """Replaces the model for a fixed share of the request ids."""

    model: ServedModel
    share: float

    def instead_of(self, model: ServedModel, request_id: str) -> ServedModel:
        """The model for a request."""
        if model.name != self.model.name or not is_sampled(request_id, self.share, "canary"):
            return model
        return self.model
