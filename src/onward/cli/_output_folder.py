"""Folders that several processes fill, each file as a whole."""

import os
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from onward.artifacts.replacing import replacing
from onward.cli._cloud import file_system, is_url


class OutputFolder(ABC):
    """Where the files of a job go."""

    def __init__(self, path: str) -> None:
        self.path = path

    @staticmethod
    def of(path: str) -> "OutputFolder":
        """On this machine, or in a bucket."""
        return Bucket(path) if is_url(path) else LocalFolder(path)

    @abstractmethod
    def names(self) -> set[str]:
        """Of the files in it; those behind a dot are not ready."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a file."""

    @abstractmethod
    def writing(self, name: str) -> AbstractContextManager[Path]:
        """A path to write to; the file appears if nothing is raised."""

    @abstractmethod
    def clean(self, start: str) -> None:
        """Remove what killed processes left behind of files whose names begin so."""


class LocalFolder(OutputFolder):
    """A folder that all processes see, on a shared disk if they run on several machines."""

    def names(self) -> set[str]:
        """Nothing, if there is no such folder."""
        path = Path(self.path)
        names = os.listdir(path) if path.exists() else []  # noqa: PTH208  (only names are wanted)
        return {name for name in names if not name.startswith(".")}

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (Path(self.path) / name).read_bytes()

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """Beside its place, from where it is renamed."""
        Path(self.path).mkdir(parents=True, exist_ok=True)
        return replacing(Path(self.path) / name, f".{socket.gethostname()}.{os.getpid()}")

    def clean(self, start: str) -> None:
        """Files that were not renamed."""
        for path in Path(self.path).glob(f".{start}*.new"):
            path.unlink(missing_ok=True)


class Bucket(OutputFolder):
    """A prefix in a bucket, where an object appears when all of it has arrived."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.system, self.root = file_system(path)

    def names(self) -> set[str]:
        """Nothing, if no object has the prefix."""
        self.system.invalidate_cache()
        try:
            paths = self.system.ls(self.root, detail=False)
        except FileNotFoundError:
            return set()
        return {path.rstrip("/").rpartition("/")[2] for path in paths} - {""}

    def read(self, name: str) -> bytes:
        """The content of an object."""
        return bytes(self.system.cat_file(f"{self.root}/{name}"))

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """On this machine first."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            yield path
            self.system.put_file(str(path), f"{self.root}/{name}")

    def clean(self, start: str) -> None:
        """Nothing: an upload that was cut leaves no object."""
