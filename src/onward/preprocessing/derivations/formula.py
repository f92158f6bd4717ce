"""Arithmetic of columns."""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

OPERATORS = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div"}
LARGEST = sys.float_info.max


class Formula(Derivation):
    """A number computed from numbers by ``+ - * /`` and parentheses.

    Missing if an input is missing, and on division by zero or overflow.
    """

    class Config(Derivation.Config):
        """``expression``: column names and numbers, such as ``price / (beds + 1)``.

        Quote names with characters other than letters, digits and ``_``:
        ``"height in cm" / 100``.
        """

        type: Literal["formula"] = "formula"
        expression: str = Field(max_length=300)

        @model_validator(mode="after")
        def _can_be_read(self) -> Self:
            if not list(_names(_tree(self.expression))):
                raise ValueError(f"expression: there is no column in {self.expression!r}")
            return self

    config: Config
    examples = {
        (1.0, 2.0): 0.5,
        (1.0, 0.0): None,
        (0.0, 0.0): None,
        (1e308, 1e-308): None,
        (None, 2.0): None,
    }
    example_settings = {"expression": "a / b"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The columns that it names."""
        return dict.fromkeys(_names(_tree(self.config.expression)), "number")

    @property
    def made(self) -> str:
        """The expression."""
        return self.config.expression

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Formula]", inputs: Inputs) -> Value:
        """An operator for each sign."""
        trees = [_tree(derivation.config.expression) for derivation in derivations]
        return side_by_side(graph, [_compute(graph, tree, inputs) for tree in trees])


def _tree(expression: str) -> ast.expr:
    """The syntax tree of the expression, if it contains only arithmetic.

    Raises:
        ValueError: if it contains anything else.
    """
    where = f"expression: {expression!r}"
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"{where} cannot be read. Use + - * / ( ), numbers and names, and quote names with"
            " other characters"
        ) from error
    for part in ast.walk(tree):
        if not _is_allowed(part):
            source = ast.get_source_segment(expression.strip(), part) or type(part).__name__.lower()
            raise ValueError(
                f"{where}: only + - * / ( ), numbers and names are allowed, not {source!r}"
            )
    return tree


def _is_allowed(part: ast.AST) -> bool:
    match part:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float() as number):
            return abs(number) <= LARGEST
        case ast.Constant(value=str(name)) | ast.Name(id=name):
            return bool(name)
        case ast.BinOp(op=sign):
            return type(sign) in OPERATORS
        case ast.UnaryOp(op=sign):
            return isinstance(sign, ast.USub | ast.UAdd)
    return isinstance(part, ast.operator | ast.unaryop | ast.Load)


def _names(tree: ast.AST) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _compute(graph: Graph, tree: ast.expr, inputs: Inputs) -> Value:
    match tree:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return inputs.number(name)
        case ast.Constant(value=int(number) | float(number)):
            return graph.constant([[float(number)]])
        case ast.BinOp(left=left, op=op, right=right):
            sides = _compute(graph, left, inputs), _compute(graph, right, inputs)
            return graph(OPERATORS[type(op)], *sides)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return graph("Neg", _compute(graph, operand, inputs))
        case ast.UnaryOp(operand=operand):
            return _compute(graph, operand, inputs)
    raise AssertionError(ast.dump(tree))
