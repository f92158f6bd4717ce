"""Inference of column types and target from a table, with reasons, for a user to correct."""

from onward.quality.type_inference._columns import infer as infer
from onward.quality.type_inference._guess import Guess as Guess
from onward.quality.type_inference._target import TargetGuess as TargetGuess
from onward.quality.type_inference._target import infer_target as infer_target
