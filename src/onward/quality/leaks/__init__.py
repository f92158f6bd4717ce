"""Leakage checks: columns that reveal the target, and held-out rows that repeat training rows."""

from onward.quality.leaks._rules import LeakRules as LeakRules
from onward.quality.leaks._search import DERIVED as DERIVED
from onward.quality.leaks._search import Leak as Leak
from onward.quality.leaks._search import refuse as refuse
from onward.quality.leaks._search import search as search
from onward.quality.leaks._search import search_derived as search_derived
from onward.quality.leaks._univariate_strength import outcomes as outcomes
from onward.quality.leaks._univariate_strength import strength as strength
