"""A request that is refused."""

Headers = tuple[tuple[str, str], ...]


class Refusal(Exception):  # noqa: N818  (an answer, and no failure of ours)
    """A request that is answered by a status and a message instead of a result."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
