"""Whether a table keeps its contract, and what is done with rows that do not."""

from onward.validation._acceptance import accepted as accepted
from onward.validation._acceptance import discard as discard
from onward.validation._contract import Contract as Contract
from onward.validation._contract import RowRules as RowRules
from onward.validation._findings import ROW as ROW
from onward.validation._findings import Finding as Finding
from onward.validation._findings import find as find
from onward.validation._findings import refuse_findings as refuse_findings
from onward.validation._findings import shown as shown
from onward.validation._inspection import Inspection as Inspection
from onward.validation._repetitions import near_duplicates as near_duplicates
from onward.validation._repetitions import normalized as normalized
from onward.validation._repetitions import repetitions as repetitions
