"""Where tables come from: formats of file. One file each; the file's name is the type."""

from onward.family import import_members
from onward.sources._base import Source as Source

import_members(__name__, __path__)
