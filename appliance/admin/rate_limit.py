"""How often somebody may ask: a bucket of tokens for each address and each account."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimit:
    """Token buckets, one a key. Keeps the newest ``most`` keys.

    Args:
        per_s: requests a second, on average.
        burst_s: seconds' worth of requests that may come at once.
    """

    def __init__(self, per_s: float, burst_s: float = 5.0, most: int = 10_000) -> None:
        self._per_s = per_s
        self._size = max(1.0, per_s * burst_s)
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, now_s: float) -> float:
        """Take one; returns 0, or the seconds until there is one again.

        Args:
            now_s: of a clock that never goes back.
        """
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._size, now_s)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        gained = (now_s - bucket.at_s) * self._per_s
        bucket.tokens, bucket.at_s = min(self._size, bucket.tokens + gained), now_s
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0
