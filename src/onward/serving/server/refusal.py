"""Refused requests."""

Headers = tuple[tuple[str, str], ...]


class Refusal(Exception):  # noqa: N818  (an answer, and no failure of ours)
    """Answers a request with a status and a message."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
