"""Whether a table keeps its contract, and what is done with rows that do not."""

from onward.quality.validation._accept_rows import accepted as accepted
from onward.quality.validation._accept_rows import discard as discard
from onward.quality.validation._contract import Contract as Contract
from onward.quality.validation._contract import RowRules as RowRules
from onward.quality.validation._duplicates import near_duplicates as near_duplicates
from onward.quality.validation._duplicates import normalized as normalized
from onward.quality.validation._duplicates import repetitions as repetitions
from onward.quality.validation._findings import ROW as ROW
from onward.quality.validation._findings import Finding as Finding
from onward.quality.validation._findings import find as find
from onward.quality.validation._findings import refuse_findings as refuse_findings
from onward.quality.validation._findings import shown as shown
from onward.quality.validation._inspection import Inspection as Inspection
