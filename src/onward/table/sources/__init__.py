"""Where tables come from: formats of file. One file each; the file's name is the type."""

from onward.settings.family import import_members
from onward.table.sources._base import Sniffed as Sniffed
from onward.table.sources._base import Source as Source
from onward.table.sources._number_format import numbers_in as numbers_in
from onward.table.sources._reading import UNREAD as UNREAD
from onward.table.sources._snapshot import Snapshot as Snapshot
from onward.table.sources._snapshot import collect as collect
from onward.table.sources._table import FAULT as FAULT
from onward.table.sources._table import RAW as RAW
from onward.table.sources._table import Table as Table

import_members(__name__, __path__)
