"""Embeddings of numbers. One file each; the file's name is the type."""

from onward.network.embedders._base import Embedder as Embedder
from onward.settings.family import import_members

import_members(__name__, __path__)
