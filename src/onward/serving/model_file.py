"""Inspect a model file before onnxruntime loads it: contents, notes, hash.

An untrusted file must not read other files, run forever or fill the memory, and onnxruntime follows
any `external_data` entry, loop or shape.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

from onward.errors import ArtifactError
from onward.serving.constants import Constant, read_constant
from onward.serving.protobuf import BYTES, Entry, MalformedError, entries, fields

Parts = defaultdict[int, list[Entry]]

HASH = "sha256"
"""The note with the hash of the file."""
IDENTITY = 12  # hexadecimal digits of a sha256; enough for all files anybody will make
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
LOOPS = frozenset({"If", "Loop", "Scan", "SequenceMap"})
CHANCE = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}
    | {"RandomUniformLike"}
)
GROWING = frozenset(
    {"ConstantOfShape", "EyeLike", "Expand", "OneHot", "Pad", "Range", "Resize", "Tile", "Upsample"}
)
"""Operators with an input that sets the size of their output."""
MOST_NODES = 20_000  # onnxruntime 1.32 prepares as many in 5 s, and 100,000 in more than a minute
NODES_OF_INPUT = 10  # that a column may add to them
LARGEST_CONSTANT = 100_000_000  # elements that a node may make from constants
LARGEST_FILE = 2**31 - 1  # bytes; a message of protocol buffers cannot be longer

# field numbers of onnx.proto
GRAPH, OPSETS, NOTES, TRAINING, FUNCTIONS = 7, 8, 14, 20, 25
NODE, INITIALIZER, INPUT, SPARSE_INITIALIZER = 1, 5, 11, 15
NODE_INPUT, NODE_OUTPUT, NODE_NAME, OPERATOR, ATTRIBUTE, DOMAIN = 1, 2, 3, 4, 5, 7
TENSORS, SUBGRAPHS, SPARSE_VALUES = (5, 10), (6, 11), (22, 23)


@dataclass(frozen=True)
class ModelFile:
    """The metadata of a model file."""

    notes: dict[str, str]
    """`metadata_props`."""
    sha256: str
    """Of all its content but the note that has the hash."""


def inspect(data: bytes, where: str) -> ModelFile:
    """Read the notes of a file, and refuse contents that exported files never have.

    Args:
        data: the file.
        where: its path, for messages.

    Raises:
        ArtifactError: naming the forbidden content, or if it is not an ONNX file.
    """
    try:
        return _inspect(memoryview(data))
    except MalformedError as error:
        raise ArtifactError(
            f"{where}: is not an ONNX file, or is damaged ({error}). Copy the file again, or name"
            " another"
        ) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ArtifactError(
            f"{where}: refused before it is loaded: {error}. Copy the file again, or export the"
            " model again"
        ) from error


def identity(data: bytes) -> str:
    """The name of a file by its content: the first digits of its sha256, as a server shows it."""
    return hashlib.sha256(data).hexdigest()[:IDENTITY]


def seal(data: bytes) -> bytes:
    r"""The file with a note of its hash.

    Example:
        >>> sealed = seal(b"\x08\x0a")
        >>> file = inspect(sealed, "model.onnx")
        >>> file.notes["sha256"] == file.sha256
        True
    """
    digest = inspect(data, "the file").sha256
    # fields of one message may stand in any order: a note at the end is one more note
    note = b"\x0a%c%b\x12%c%b" % (len(HASH), HASH.encode(), len(digest), digest.encode())
    return data + b"%c%c%b" % (NOTES << 3 | BYTES, len(note), note)


@dataclass
class _Scan:
    """The contents of a graph so far."""

    nodes: int = 0
    inputs: int = 0
    shapes: dict[str, float] = field(default_factory=dict)
    """For each short constant the number of elements, if it is a shape."""
    growing: list[tuple[str, str]] = field(default_factory=list)
    """Operators and the names of their inputs."""


def _inspect(model: memoryview) -> ModelFile:
    notes: dict[str, str] = {}
    digest, scan = hashlib.sha256(), _Scan()
    for entry in entries(model):
        key = None
        if entry.number == NOTES:
            key, value = _text(entry, 1), _text(entry, 2)
            if key in notes:
                raise ValueError(f"it has two notes {key!r}")
            notes[key] = value
        else:
            _scan_part(entry, scan)
        if key != HASH:
            digest.update(entry.raw)
    _refuse_large(len(model), scan)
    return ModelFile(notes, digest.hexdigest())


def _scan_part(entry: Entry, scan: _Scan) -> None:
    if entry.number in (TRAINING, FUNCTIONS):
        raise ValueError("it has functions of its own")
    if entry.number == OPSETS:
        _refuse_foreign(_text(entry, 1))
    if entry.number == GRAPH:
        _scan_graph(fields(entry.message), scan)


def _scan_graph(graph: Parts, scan: _Scan) -> None:
    if graph[SPARSE_INITIALIZER]:
        raise ValueError("it has sparse constants")
    scan.inputs += len(graph[INPUT])
    scan.nodes += len(graph[NODE])
    _refuse_many(scan)
    for entry in graph[INITIALIZER]:
        constant = read_constant(entry.message)
        scan.shapes[constant.name] = constant.size
    for entry in graph[NODE]:
        _scan_node(fields(entry.message), scan)


def _scan_node(node: Parts, scan: _Scan) -> None:
    # onnxruntime prints a complaint of its own about a text that is not UTF-8
    texts = {
        number: [entry.text for entry in node[number]]
        for number in (NODE_INPUT, NODE_OUTPUT, NODE_NAME, OPERATOR, DOMAIN)
    }
    for domain in texts[DOMAIN]:
        _refuse_foreign(domain)
    for operator in texts[OPERATOR]:
        if operator in LOOPS | CHANCE:
            raise ValueError(f"it has the operator {operator}")
        if operator in GROWING:
            scan.growing += [(operator, name) for name in texts[NODE_INPUT]]
    for attribute in node[ATTRIBUTE]:
        sizes = [constant.size for constant in _constants(fields(attribute.message))]
        if "Constant" in texts[OPERATOR]:
            scan.shapes.update(dict.fromkeys(texts[NODE_OUTPUT], max(sizes, default=0.0)))


def _constants(attribute: Parts) -> list[Constant]:
    if any(attribute[number] for number in (*SUBGRAPHS, *SPARSE_VALUES)):
        raise ValueError("an operator has a graph of its own, or sparse constants")
    return [read_constant(entry.message) for number in TENSORS for entry in attribute[number]]


def _refuse_many(scan: _Scan) -> None:
    most = MOST_NODES + NODES_OF_INPUT * scan.inputs
    if scan.nodes > most:
        raise ValueError(f"it has {scan.nodes:,} operators; at most {most:,} are allowed")


def _refuse_large(size: int, scan: _Scan) -> None:
    if not 0 < size <= LARGEST_FILE:
        raise ValueError(f"it has {size} bytes")
    for operator, name in scan.growing:
        if scan.shapes.get(name, 0.0) > LARGEST_CONSTANT:
            raise ValueError(
                f"{operator} makes {scan.shapes[name]:.3g} elements, and {LARGEST_CONSTANT:,} are"
                " the most"
            )


def _refuse_foreign(domain: str) -> None:
    if domain not in DOMAINS:
        raise ValueError(f"it has operators of the domain {domain!r}, which are not standard")


def _text(entry: Entry, number: int) -> str:
    """A text field of a message; empty if absent."""
    texts = fields(entry.message)[number]
    return texts[-1].text if texts else ""
