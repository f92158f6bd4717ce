"""Additional rules for a table, declared in a config. One file each; its name is the type."""

from onward.settings.family import import_members
from onward.table.checks._base import Check as Check

import_members(__name__, __path__)
