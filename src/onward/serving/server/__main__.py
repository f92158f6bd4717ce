"""The process of a server: `python -m onward.serving.server OPTIONS [DESCRIPTOR INDEX]`.

`onward serve` becomes this process by exec, so that nothing of the command line stays in it.
"""

import errno
import logging
import socket
import sys
from pathlib import Path

import msgspec

from onward.artifacts.process import end_with_parent
from onward.errors import OnwardError
from onward.serving.server.options import Options

BUSY = 74  # as of all errors of input and output


def main(arguments: list[str]) -> int:
    """Run one worker, or several under a supervisor.

    Returns:
        The exit code.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("onward").setLevel(logging.INFO)
    options = msgspec.json.decode(arguments[0], type=Options)
    try:
        if len(arguments) > 1:
            end_with_parent()
            return _work(options, socket.socket(fileno=int(arguments[1])), int(arguments[2]))
        listener = _bind(options)
        return (
            _work(options, listener, 0) if options.workers == 1 else _supervise(options, listener)
        )
    except OnwardError as error:
        _print_once(options, str(error))
        return error.exit_code
    except OSError as error:
        where = error.filename or f"{options.host}:{options.port}"
        _print_once(options, f"{where}: {error.strerror}. {_remedy(error)}")
        return BUSY


def _print_once(options: Options, message: str) -> None:
    """Print why the server ends; of several workers that cannot start, the first prints it."""
    if options.shared:
        try:
            (Path(options.shared) / "failure").touch(exist_ok=False)
        except FileExistsError:
            return
        except OSError:  # no folder, or a full disk: rather twice than never
            pass
    sys.stderr.write(f"{message}\n")


def _remedy(error: OSError) -> str:
    if error.filename:
        return "Correct the path, or its permissions"
    if error.errno == errno.EADDRINUSE:
        return "Choose another --port"
    if error.errno == errno.EACCES:
        return "Choose a --port above 1023"
    return "Correct --host"


def _bind(options: Options) -> socket.socket:
    """A socket that does not listen yet: until a model is ready, connections are refused."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    return listener


def _work(options: Options, listener: socket.socket, index: int) -> int:
    from onward.serving.server.worker import work  # which a supervisor does without

    work(options, listener, index)
    return 0


def _supervise(options: Options, listener: socket.socket) -> int:
    from onward.serving.server.supervisor import Supervisor

    return Supervisor(options, listener).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
