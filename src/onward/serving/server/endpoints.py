"""Handlers of the endpoints."""

from collections.abc import Callable

from onward.serving.server.batches import Pending
from onward.serving.server.canary import Canary
from onward.serving.server.inference import infer
from onward.serving.server.messages import Request, Response, json_response
from onward.serving.server.metrics import TYPE, Samples, exposition
from onward.serving.server.openapi import openapi
from onward.serving.server.options import Options
from onward.serving.server.page import address_of, page
from onward.serving.server.protocol import model_metadata, repository_index, server_metadata
from onward.serving.server.records import predict
from onward.serving.server.refusal import Refusal
from onward.serving.server.repository import Repository
from onward.serving.server.routes import Route, Routes
from onward.serving.server.served_model import ServedModel
from onward.serving.server.state import State


class Endpoints:
    """Handlers over the models of one process."""

    def __init__(
        self,
        repository: Repository,
        options: Options,
        state: State,
        samples: Callable[[], Samples],
        canary: Canary | None = None,
    ) -> None:
        self._samples = samples
        self._canary = canary
        self._repository = repository
        self._options = options
        self._state = state

    def routes(self) -> Routes:
        """All paths of the server."""
        model = "/v2/models/{name}"
        version = model + "/versions/{version}"
        return Routes(
            [
                Route("/predict", {"POST": self.predict}),
                Route("/models/{name}/predict", {"POST": self.predict}),
                *(Route(f"{path}/infer", {"POST": self.infer}) for path in (model, version)),
                *(Route(f"{path}/ready", {"GET": self.model_ready}) for path in (model, version)),
                *(Route(path, {"GET": self.model}) for path in (model, version)),
                *(Route(path, {"GET": self.page}) for path in ("/", "/models/{name}")),
                Route("/openapi.json", {"GET": self.openapi}),
                Route("/metrics", {"GET": self.metrics}),
                Route("/v2/models", {"GET": self.models}),
                Route("/v2/repository/index", {"POST": self.index}),
                Route("/v2/health/live", {"GET": self.live}, is_open=True),
                Route("/v2/health/ready", {"GET": self.ready}, is_open=True),
                *(Route(path, {"GET": self.server}) for path in ("/v2", "/v2/")),
            ]
        )

    def infer(self, request: Request) -> Pending:
        """Tensors in, tensors out."""
        return infer(request, lambda key: self._choose_model(request, key), self._options.max_rows)

    def predict(self, request: Request) -> Pending:
        """Objects in, objects out."""
        return predict(request, self._choose_model(request, request.id), self._options.max_rows)

    def page(self, request: Request) -> Response:
        """A form for a model."""
        return page(
            self._find_model(request),
            self._repository.models,
            address_of(request.headers),
            has_token=bool(self._options.token_variable),
        )

    def openapi(self, _: Request) -> Response:
        """The OpenAPI document."""
        return json_response(openapi(self._repository.models, self._options))

    def metrics(self, _: Request) -> Response:
        """Counters of all workers."""
        return Response(exposition(self._samples()).encode(), type=TYPE)

    def server(self, _: Request) -> Response:
        """Name, version, extensions."""
        return json_response(server_metadata())

    def live(self, _: Request) -> Response:
        """The process answers."""
        return json_response({"live": True})

    def ready(self, _: Request) -> Response:
        """Whether a load balancer may send requests here."""
        if self._state.is_draining:
            raise Refusal(503, "the server is shutting down", (("retry-after", "1"),))
        return json_response({"ready": True})

    def models(self, _: Request) -> Response:
        """Their names, as KServe lists them."""
        return json_response({"models": [model.name for model in self._repository.models]})

    def model(self, request: Request) -> Response:
        """Inputs, outputs, versions."""
        return json_response(model_metadata(self._repository, self._find_model(request)))

    def model_ready(self, request: Request) -> Response:
        """Every loaded model is ready."""
        return json_response({"name": self._find_model(request).name, "ready": True})

    def index(self, _: Request) -> Response:
        """All models."""
        return json_response(repository_index(self._repository))

    def _find_model(self, request: Request) -> ServedModel:
        return self._repository.get(request.names.get("name"), request.names.get("version"))

    def _choose_model(self, request: Request, request_id: str) -> ServedModel:
        model = self._find_model(request)
        if self._canary is None or "version" in request.names:
            return model
        return self._canary.instead_of(model, request_id)
