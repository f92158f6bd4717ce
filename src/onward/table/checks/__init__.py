"""Rules that a person adds to the contract of a table. One file each; its name is the type."""

from onward.settings.family import import_members
from onward.table.checks._base import Check as Check

import_members(__name__, __path__)
