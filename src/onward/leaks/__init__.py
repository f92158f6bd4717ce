"""What training must not see: columns that tell the target, and held-out rows in other clothes."""

from onward.leaks._rules import LeakRules as LeakRules
from onward.leaks._search import DERIVED as DERIVED
from onward.leaks._search import Leak as Leak
from onward.leaks._search import refuse as refuse
from onward.leaks._search import search as search
from onward.leaks._search import search_derived as search_derived
from onward.leaks._strength import outcomes as outcomes
from onward.leaks._strength import strength as strength
