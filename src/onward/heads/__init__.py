"""Tasks. One file each; the file's name is the type."""

from onward.family import import_members
from onward.heads._base import Head as Head

import_members(__name__, __path__)
