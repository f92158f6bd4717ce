"""Options of a server process."""

import msgspec


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Validated by the command line; passed to the processes as JSON."""

    models: dict[str, str]
    """Paths of files by the names that clients use; the first is the default of ``/predict``."""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    token_variable: str = ""
    """Of the environment; empty where no token is asked for."""
    max_bytes: int = 8 << 20
    """Of a request's body."""
    max_rows: int = 1_024
    """Of a request."""
    max_waiting: int = 0
    """Requests that a worker has begun and not answered; 0: 64, and see `State.most_ready`."""
    body_timeout: float = 10.0
    """Seconds in which a body has to arrive."""
    grace: float = 5.0
    """Seconds after SIGTERM in which requests are still taken, while load balancers notice."""
    shadow: str = ""
    """A file whose model predicts the same rows, and whose answers nobody gets."""
    canary: str = ""
    """A file whose model answers a share of the requests."""
    canary_share: float = 0.0
    log_folder: str = ""
    """Where requests and predictions are written; empty where they are not."""
    log_share: float = 1.0
    log_columns: frozenset[str] | None = None
    """Inputs that are logged; None: all."""
    shared: str = ""
    """A folder in which workers exchange their metrics; empty where there is one worker."""
    watch: float = 2.0
    """Seconds between two looks at the files."""
