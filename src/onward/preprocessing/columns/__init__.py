"""Types of column. One file each; the file's name is the type."""

from onward.preprocessing.columns._base import Column as Column
from onward.preprocessing.columns._base import Encoded as Encoded
from onward.preprocessing.columns._date_format import WEEK as WEEK
from onward.preprocessing.columns._date_format import date_pattern as date_pattern
from onward.preprocessing.columns._distinct import BATCH as BATCH
from onward.preprocessing.columns._distinct import run_batches as run_batches
from onward.preprocessing.columns._parse_dates import moments as moments
from onward.preprocessing.columns._parse_quantities import convert_quantities as convert_quantities
from onward.preprocessing.columns._parse_quantities import numbers as numbers
from onward.preprocessing.columns._semantics import category_names as category_names
from onward.preprocessing.columns._semantics import meaning as meaning
from onward.preprocessing.columns._semantics import semantic_type as semantic_type
from onward.settings.family import import_members

import_members(__name__, __path__)
