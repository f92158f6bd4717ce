"""Types of splits. One file each; the file's name is the type."""

from onward.settings.family import import_members
from onward.table.splits._base import LEFT_OUT as LEFT_OUT
from onward.table.splits._base import SPLITS as SPLITS
from onward.table.splits._base import Split as Split
from onward.table.splits._downsample import Sample as Sample
from onward.table.splits._downsample import drop_unsampled as drop_unsampled
from onward.table.splits._subset import Part as Part
from onward.table.splits._subset import assign_part as assign_part
from onward.table.splits.time import in_time as in_time

import_members(__name__, __path__)
