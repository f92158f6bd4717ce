"""Types of derivation: columns made from other columns. One file each; its name is the type."""

from onward.derivations._base import Derivation as Derivation
from onward.derivations._base import Outcomes as Outcomes
from onward.derivations._check import refuse_unreadable as refuse_unreadable
from onward.derivations._graph import MADE as MADE
from onward.derivations._graph import model_of as model_of
from onward.derivations._graph import put as put
from onward.family import import_members

import_members(__name__, __path__)
