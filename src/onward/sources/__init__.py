"""Where tables come from: formats of file. One file each; the file's name is the type."""

from onward.family import import_members
from onward.sources._base import Sniffed as Sniffed
from onward.sources._base import Source as Source
from onward.sources._table import FAULT as FAULT
from onward.sources._table import RAW as RAW
from onward.sources._table import Table as Table
from onward.sources._wire import UNREAD as UNREAD

import_members(__name__, __path__)
