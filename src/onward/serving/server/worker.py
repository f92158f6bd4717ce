"""A server process: models, application, signals."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import monotonic
from types import FrameType

import uvicorn

from onward.serving.server.access_log import AccessLog
from onward.serving.server.application import Application
from onward.serving.server.connection import Connection
from onward.serving.server.endpoints import Endpoints
from onward.serving.server.extras import Extras
from onward.serving.server.guard import Guard
from onward.serving.server.metrics import Metrics, Samples
from onward.serving.server.options import Options
from onward.serving.server.reloading import follow_files
from onward.serving.server.repository import Repository
from onward.serving.server.shared_metrics import SharedMetrics
from onward.serving.server.state import State

logger = logging.getLogger(__name__)

PUBLISHED = 1.0  # seconds between two publications of a worker's metrics
KEEP_ALIVE = 75  # seconds; longer than the 60 of usual proxies, which must be the ones to close


def work(options: Options, listener: socket.socket, index: int) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Raises:
        ArtifactError: before anything is served, if a file does not verify.
        OSError: if another server listens on the port by now.
    """
    repository = Repository({name: Path(path) for name, path in options.models.items()})
    state = State()
    log = AccessLog()
    extras = Extras(repository, options, log)
    metrics = Metrics(repository, state, extras.sources)
    shared = SharedMetrics(Path(options.shared), index) if options.shared else None
    samples = _samples(metrics, shared)
    routes = Endpoints(repository, options, state, samples, extras.canary).routes()
    guard = Guard(os.environ[options.token_variable] if options.token_variable else "")
    observers = [metrics.observe, log.observe, *extras.observers]
    application = Application(routes, guard, options, state, observers)
    server = _Server(_configuration(application), options, repository, state)
    if shared:
        server.tasks.append(lambda: _publish(metrics, shared))
    listener.listen()  # uvloop would not say that another server has taken the port meanwhile
    server.run(sockets=[listener])
    extras.close()
    log.flush()


def _samples(metrics: Metrics, shared: SharedMetrics | None) -> Callable[[], Samples]:
    return metrics.samples if shared is None else lambda: shared.total(metrics.samples())


async def _publish(metrics: Metrics, shared: SharedMetrics) -> None:
    while True:
        shared.publish(metrics.samples())
        await asyncio.sleep(PUBLISHED)


def _configuration(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
    )


class _Server(uvicorn.Server):
    """uvicorn with a grace period after SIGTERM, and reloading of models."""

    def __init__(
        self, config: uvicorn.Config, options: Options, repository: Repository, state: State
    ) -> None:
        super().__init__(config)
        self._options = options
        self._repository = repository
        self._state = state
        self._end = float("inf")
        self.tasks: list[Callable[[], Coroutine[None, None, None]]] = []
        """Begun with the server, and left to end with it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to watch the files."""
        await super().startup(sockets)
        hangup = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, hangup.set)
        follow = follow_files(self._repository, self._options.watch, hangup)
        # kept, since the loop itself would let the tasks go
        self._running = [
            loop.create_task(task) for task in (follow, *(make() for make in self.tasks))
        ]
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            for model in self._repository.models:
                logger.info("%s %s: ready at %s", model.name, model.version, url)

    async def on_tick(self, counter: int) -> bool:
        """End when the grace is over."""
        self.should_exit |= monotonic() > self._end
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Become not ready, and continue for the grace period; a second signal ends it.

        A load balancer needs seconds to notice, and requests until then must be answered.
        """
        is_second = self._state.is_draining
        self._state.is_draining = True
        self._end = monotonic() + (0 if is_second else self._options.grace)
