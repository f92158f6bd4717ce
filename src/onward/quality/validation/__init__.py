"""Validation of a table against its contract, and handling of invalid rows."""

from onward.quality.validation._accept_rows import accept_rows as accept_rows
from onward.quality.validation._accept_rows import discard as discard
from onward.quality.validation._contract import Contract as Contract
from onward.quality.validation._contract import RowRules as RowRules
from onward.quality.validation._duplicates import near_duplicates as near_duplicates
from onward.quality.validation._duplicates import normalize_texts as normalize_texts
from onward.quality.validation._duplicates import repetitions as repetitions
from onward.quality.validation._findings import ROW as ROW
from onward.quality.validation._findings import Finding as Finding
from onward.quality.validation._findings import find as find
from onward.quality.validation._findings import format_example as format_example
from onward.quality.validation._findings import refuse_findings as refuse_findings
from onward.quality.validation._inspection import Inspection as Inspection
