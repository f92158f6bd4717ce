"""Models. One file each; the file's name is the type."""

from onward.network.models._base import Model as Model
from onward.settings.family import import_members

import_members(__name__, __path__)
