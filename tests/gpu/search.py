"""The largest batch that fits, found in few tries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def largest(fits: Callable[[int], bool], guess: int, most: int) -> int:
    """The largest n of 0 to `most` for which `fits` holds; it must hold for every smaller one.

    From the guess on in steps that double, up while it fits or down while it does not, then
    bisection. A guess that is right costs two tries.
    """
    guess = min(max(guess, 1), most)
    low = 0  # fits: nothing needs nothing
    high = most + 1  # does not fit, or is not wanted
    step = 1
    if fits(guess):
        low = guess
        while low + step < high:
            if not fits(low + step):
                high = low + step
                break
            low += step
            step *= 2
    else:
        high = guess
        while high - step > low:
            if fits(high - step):
                low = high - step
                break
            high -= step
            step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def expected_largest(peaks: Mapping[int, int], limit: int) -> int:
    """The batch whose peak would be `limit` bytes, on the line through the two largest measured.

    peaks: bytes by batch. With one alone it is the line through it and nothing.
    """
    batches = sorted(peaks)
    if not batches:
        return 1
    last = batches[-1]
    before = batches[-2] if len(batches) > 1 else 0
    slope = (peaks[last] - peaks.get(before, 0)) / (last - before)
    if slope <= 0:
        return last
    return last + int((limit - peaks[last]) // slope)
