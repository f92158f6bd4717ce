"""Optional parts of a server."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from onward.errors import ArtifactError, ConfigError, suggestion
from onward.serving.server.access_log import AccessLog
from onward.serving.server.canary import Canary
from onward.serving.server.exchange import Observer
from onward.serving.server.metrics import Source
from onward.serving.server.options import Options
from onward.serving.server.repository import Repository
from onward.serving.server.request_log import RequestLog
from onward.serving.server.served_model import ServedModel
from onward.serving.server.shadow import Shadow


class Extras:
    """A canary, a shadow and a request log.

    Raises:
        ArtifactError: if the file of the canary or of the shadow does not verify, or has other
            columns than the first model.
        ConfigError: if a column to log is in none of the models.
    """

    def __init__(self, repository: Repository, options: Options, log: AccessLog) -> None:
        self.observers: list[Observer] = []
        self.sources: list[Source] = []
        self.canary: Canary | None = None
        self._request_log: RequestLog | None = None
        first = repository.models[0]
        if options.canary:
            self.canary = Canary(_second(first, options.canary), options.canary_share)
        if options.shadow:
            shadow = Shadow(_second(first, options.shadow), log.write)
            self.observers.append(shadow.observe)
            self.sources.append(shadow.samples)
        if options.log_folder:
            _check_columns(repository.models, options.log_columns or ())
            folder = Path(options.log_folder)
            self._request_log = RequestLog(folder, options.log_share, options.log_columns)
            self.observers.append(self._request_log.observe)
            self.sources.append(self._request_log.samples)

    def close(self) -> None:
        """Finish writing."""
        if self._request_log is not None:
            self._request_log.close()


def _check_columns(models: Sequence[ServedModel], names: Iterable[str]) -> None:
    known = [name for model in models for name in model.fields]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--log-columns: there is no column {name!r}. {suggestion(name, known)}"
            )


def _second(first: ServedModel, path: str) -> ServedModel:
    model = ServedModel(first.name, Path(path))
    if not model.is_compatible(first):
        raise ArtifactError(
            f"{path}: has other columns, outputs or classes than {first.path}. Serve it under a"
            " name of its own"
        )
    return model
