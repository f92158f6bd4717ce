"""Rules that a person adds to the contract of a table. One file each; its name is the type."""

from onward.checks._base import Check as Check
from onward.family import import_members

import_members(__name__, __path__)
