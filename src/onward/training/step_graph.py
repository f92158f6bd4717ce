"""A training step that CUDA launches as one graph, or kernel by kernel where it cannot."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import torch
from torch import nn

logger = logging.getLogger(__name__)

WARM_UP = 3  # steps before a CUDA graph is captured, in which libraries choose and load kernels


class StepGraph:
    """Runs a step again and again; on CUDA as a graph, which is captured once.

    A graph cannot hold an operation that waits for the device, such as ``.item()`` in a loss of a
    plug-in. The last step before the capture watches for them, while nothing is lost: a capture
    that fails half-way leaves allocator and generator in between. A step that cannot be captured
    is launched kernel by kernel, and a warning names the module.

    Args:
        step: runs once.
        restart: makes a step that was left half-way as if it had not begun.
        device: of the step.
    """

    def __init__(
        self, step: Callable[[], None], restart: Callable[[], None], device: torch.device
    ) -> None:
        self._step, self._restart, self._device = step, restart, device
        self._generator = _generator(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._is_capturable = device.type == "cuda"
        self._warm = 0
        # warm-up and capture share a stream: cuBLAS has a workspace for each, and chooses kernels
        # by its size; torch warns where gradients come from another stream than before
        self._stream = torch.cuda.Stream(device) if self._is_capturable else None  # type: ignore[no-untyped-call]

    def __call__(self, seed: int) -> None:
        """Run the step.

        Args:
            seed: of what is drawn in it.
        """
        # as torch.manual_seed, without a look at the devices that do not train: 1 µs, not 130
        self._generator.manual_seed(seed)
        if self._graph is not None:
            self._graph.replay()
        elif not self._is_capturable:
            self._step()
        elif self._warm < WARM_UP:
            self._warm += 1
            with_watch = self._watched_step if self._warm == WARM_UP else self._step
            self._attempt(self._aside, with_watch, seed)
        else:
            self._attempt(self._capture, self._step, seed)

    def release(self) -> None:
        """Give the memory of the graph back."""
        if self._graph is not None:
            self._graph.reset()
            self._graph = None

    def _attempt(
        self, run: Callable[[Callable[[], None]], None], step: Callable[[], None], seed: int
    ) -> None:
        try:
            run(step)
        except RuntimeError as error:  # of any kind: another one than a wait comes again
            logger.warning(
                "train: %s cannot be part of a CUDA graph, so that steps are launched kernel by"
                " kernel, which is slower for small ones (%s)",
                module_of(error),
                str(error).partition("\n")[0],
            )
            self._is_capturable = False
            self._graph = None
            self._restart()
            self._generator.manual_seed(seed)
            self._step()

    def _watched_step(self) -> None:
        with no_waits():
            self._step()

    def _aside(self, step: Callable[[], None]) -> None:
        """Run the step in the stream where the graph is captured."""
        assert self._stream is not None
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                step()
        finally:
            current.wait_stream(self._stream)

    def _capture(self, step: Callable[[], None]) -> None:
        current = torch.cuda.current_stream(self._device)
        self._graph = graph = torch.cuda.CUDAGraph()
        try:
            # thread_local: another thread pins memory for the next chunk at the same time
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                step()
        except RuntimeError:
            torch.cuda.set_stream(current)  # which `torch.cuda.graph` leaves out after an error
            # the state that took part in the capture refuses to draw outside of it
            self._generator.graphsafe_set_state(self._generator.clone_state())
            raise
        graph.replay()


@contextmanager
def no_waits() -> Iterator[None]:
    """Have operations that wait for the device raise a RuntimeError."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def module_of(error: BaseException) -> str:
    """The innermost module, not of torch, in which an error was raised.

    Example:
        >>> class Loss(nn.Module):
        ...     def forward(self): raise RuntimeError("wait")
        >>> try: Loss()()
        ... except RuntimeError as error: module_of(error).rpartition(".")[2]
        'Loss'
    """
    name = "the loss or its gradient"
    for frame in _frames(error.__traceback__):
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and not type(owner).__module__.startswith("torch."):
            name = f"{type(owner).__module__}.{type(owner).__qualname__}"
    return name


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _generator(device: torch.device) -> torch.Generator:
    if device.type == "cuda":
        generator: torch.Generator = torch.cuda.default_generators[device.index or 0]
        return generator
    return torch.default_generator
