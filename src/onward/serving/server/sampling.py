"""Samples of requests by id: the same id always gets the same decision."""

from hashlib import blake2b

SIZE = 8  # bytes of a hash
LARGEST = float(1 << 8 * SIZE)


def is_sampled(request_id: str, share: float, purpose: str) -> bool:
    """Whether a request belongs to the sample; purposes draw independent samples.

    Example:
        >>> sum(is_sampled(str(number), 0.1, "log") for number in range(10_000))
        982
    """
    digest = blake2b(request_id.encode(), digest_size=SIZE, person=purpose.encode()).digest()
    return int.from_bytes(digest, "big") / LARGEST < share
