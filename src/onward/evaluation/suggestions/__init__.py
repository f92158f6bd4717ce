"""Suggested derived columns: those that improve boosted trees on validation rows."""

from onward.evaluation.suggestions._candidates import Candidate as Candidate
from onward.evaluation.suggestions._search import Suggestion as Suggestion
from onward.evaluation.suggestions._search import Suggestions as Suggestions
from onward.evaluation.suggestions._search import suggest as suggest
