"""Heads. One file each; the file's name is the type."""

from onward.network.heads._base import Head as Head
from onward.settings.family import import_members

import_members(__name__, __path__)
