"""Ways to split a table. One file each; the file's name is the type."""

from onward.family import import_members
from onward.splits._base import LEFT_OUT as LEFT_OUT
from onward.splits._base import SPLITS as SPLITS
from onward.splits._base import Split as Split
from onward.splits._part import Part as Part
from onward.splits._part import assigned as assigned
from onward.splits._sample import Sample as Sample
from onward.splits._sample import sampled as sampled
from onward.splits.time import in_time as in_time

import_members(__name__, __path__)
