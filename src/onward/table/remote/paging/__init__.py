"""How an API divides a table into pages. One file each; the file's name is the type."""

from onward.settings.family import import_members
from onward.table.remote.paging._base import Page as Page
from onward.table.remote.paging._base import Paging as Paging
from onward.table.remote.paging._base import with_parameter as with_parameter

import_members(__name__, __path__)
