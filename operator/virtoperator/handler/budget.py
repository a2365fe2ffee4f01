"""How much a launcher may say: a burst at once, and a rate from then on. Pure."""

from __future__ import annotations


class Budget:
    """Of one connection; times are monotonic seconds."""

    def __init__(self, *, burst: int, rate: float, now: float) -> None:
        self._burst = float(burst)
        self._rate = rate
        self._left = float(burst)
        self._last = now

    def spend(self, now: float) -> bool:
        """Take one; False when there was none left."""
        regained = (now - self._last) * self._rate
        self._left, self._last = min(self._left + regained, self._burst) - 1, now
        return self._left >= 0
