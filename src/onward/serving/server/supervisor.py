"""Several server processes behind one port."""

import logging
import signal
import socket
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from types import FrameType

import msgspec

from onward.serving.server.options import Options

logger = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "onward.serving.server")
TICK = 0.1  # seconds between two looks at the workers
PAUSE = 1.0  # seconds before an ended process is replaced: a fault must not keep a core busy
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Starts the workers, replaces those that end, and forwards signals."""

    def __init__(self, options: Options, listener: socket.socket) -> None:
        self._folder = TemporaryDirectory(prefix="onward-")
        self._options = msgspec.structs.replace(options, shared=self._folder.name)
        self._listener = listener
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._is_ending = False
        self._code = 0

    def run(self) -> int:
        """Wait until all workers have ended after a signal.

        Returns:
            0, or the exit code of a worker that could not start.
        """
        for number in FORWARDED:
            signal.signal(number, self._forward)
        for index in range(self._options.workers):
            self._start(index)
        while self._processes:
            time.sleep(TICK)
            ended = {
                index: code
                for index, process in self._processes.items()
                if (code := process.poll()) is not None
            }
            for index, code in ended.items():
                del self._processes[index]
                self._replace(index, code)
        return self._code

    def _replace(self, index: int, code: int) -> None:
        if self._is_ending:
            return
        if code > 0:  # it has printed the reason; a new one would fail too
            self._code = code
            self._forward(signal.SIGTERM, None)
            return
        reason = f"was killed by signal {-code}" if code else "ended"  # as SIGTERM asks it to
        logger.warning("worker %d %s and is restarted", index, reason)
        time.sleep(PAUSE)
        self._start(index)

    def _start(self, index: int) -> None:
        if self._is_ending:  # a signal came during the pause, and would not reach the new worker
            return
        number = self._listener.fileno()
        self._processes[index] = subprocess.Popen(
            [*PROGRAM, msgspec.json.encode(self._options).decode(), str(number), str(index)],
            pass_fds=[number],
        )
        if self._is_ending:  # it came meanwhile
            self._processes[index].terminate()

    def _forward(self, number: int, _: FrameType | None) -> None:
        self._is_ending |= number != signal.SIGHUP
        for process in self._processes.values():
            process.send_signal(number)
