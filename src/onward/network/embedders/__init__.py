"""Embedders of blocks. One file each; the file's name is the type."""

from onward.network.embedders._base import Embedder as Embedder
from onward.network.embedders._base import Reader as Reader
from onward.network.embedders._choice import default_embedder as default_embedder
from onward.network.embedders._choice import refuse_other_blocks as refuse_other_blocks
from onward.settings.family import import_members

import_members(__name__, __path__)
