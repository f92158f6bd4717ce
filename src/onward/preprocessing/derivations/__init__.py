"""Types of derived columns. One file each; the file's name is the type."""

from onward.preprocessing.derivations._base import Derivation as Derivation
from onward.preprocessing.derivations._base import Outcomes as Outcomes
from onward.preprocessing.derivations._graph import MADE as MADE
from onward.preprocessing.derivations._graph import model_of as model_of
from onward.preprocessing.derivations._graph import put as put
from onward.preprocessing.derivations._validate_settings import (
    refuse_unreadable as refuse_unreadable,
)
from onward.settings.family import import_members

import_members(__name__, __path__)
