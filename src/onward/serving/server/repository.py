"""The models of a server, by name and version."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from onward.errors import ArtifactError
from onward.serving.server.refusal import Refusal
from onward.serving.server.served_model import ServedModel, file_version

KEPT = 2  # versions of a model: the current one, and the one before for requests that name it


class Repository:
    """Current models and the versions before them.

    A new file is loaded beside the old model and replaces it by one assignment, so each request
    sees either the old or the new one.

    Raises:
        ArtifactError: if one of the files does not verify.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._versions = {name: [ServedModel(name, path)] for name, path in paths.items()}
        """Oldest first."""
        self.failures = 0
        """Files that came and did not verify."""

    @property
    def models(self) -> Sequence[ServedModel]:
        """The current ones, in the order of the command line."""
        return [versions[-1] for versions in self._versions.values()]

    def get(self, name: str | None, version: str | None = None) -> ServedModel:
        """The model of this name, or the first one; its current version if none is given.

        Raises:
            Refusal: 404, listing the available ones.
        """
        if name is None:
            return self.models[0]
        versions = self._versions.get(name)
        if versions is None:
            raise Refusal(404, f"no model {name!r}. There are: {', '.join(self._versions)}")
        if version is None:
            return versions[-1]
        for model in versions:
            if model.version == version:
                return model
        known = ", ".join(model.version for model in versions)
        raise Refusal(404, f"model {name!r} has no version {version!r}. There are: {known}")

    def versions(self, name: str) -> list[str]:
        """The available versions, oldest first."""
        return [model.version for model in self._versions[name]]

    def reload(self, name: str) -> ServedModel | None:
        """Reload the file of a model if its content has changed.

        Returns:
            The new model, or None if the content is that of the current one.

        Raises:
            ArtifactError: if the file does not verify, or is a model of other columns. The current
                model stays.
        """
        current = self._versions[name][-1]
        if file_version(current.path) == current.version:
            return None
        model = ServedModel(name, current.path)
        if not model.is_compatible(current):
            raise ArtifactError(
                f"{model.path}: has other columns, outputs or classes than version"
                f" {current.version}, which clients of {name!r} rely on. Serve it under a name of"
                " its own"
            )
        self._versions[name] = [*self._versions[name], model][-KEPT:]
        return model
