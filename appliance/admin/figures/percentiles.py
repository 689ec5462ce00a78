"""Percentiles of delays from counts in buckets of nine per cent.

The bucket ``b`` holds 2^(b/8) up to 2^((b+1)/8) ms, as the database's function
``appliance_delay_bucket`` has it; a percentile is off by nine per cent at most.
"""

from collections.abc import Mapping

_TO_A_DOUBLING = 8


def percentile(counts: Mapping[int, int], percent: float) -> float | None:
    """The value in ms that ``percent`` of all do not exceed; None when there is none.

    Args:
        counts: how many are in each bucket.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    wanted = total * percent / 100
    seen = 0
    for bucket in sorted(counts):
        here = counts[bucket]
        if seen + here >= wanted:
            share = (wanted - seen) / here if here else 0.0
            return _within(bucket, share)
        seen += here
    return _within(max(counts), 1.0)


def _within(bucket: int, share: float) -> float:
    if bucket < 0:
        return share
    return float(2.0 ** ((bucket + share) / _TO_A_DOUBLING))
