"""What a table seems to be, and why: a first config for a person to correct."""

from onward.quality.type_inference._columns import infer as infer
from onward.quality.type_inference._guess import Guess as Guess
from onward.quality.type_inference._target import TargetGuess as TargetGuess
from onward.quality.type_inference._target import infer_target as infer_target
