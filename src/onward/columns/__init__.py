"""Types of column. One file each; the file's name is the type."""

from onward.columns._base import CATEGORICAL as CATEGORICAL
from onward.columns._base import NUMERICAL as NUMERICAL
from onward.columns._base import Block as Block
from onward.columns._base import Column as Column
from onward.columns._base import Encoded as Encoded
from onward.columns._distinct import BATCH as BATCH
from onward.columns._distinct import distinct as distinct
from onward.columns._distinct import run as run
from onward.columns._moments import moments as moments
from onward.columns._units import converted as converted
from onward.columns._units import numbers as numbers
from onward.family import import_members

import_members(__name__, __path__)
