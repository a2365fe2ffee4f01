"""A burst at once, a rate from then on."""

from virtoperator.handler.budget import Budget


def test_a_burst_is_fine_and_one_more_is_not() -> None:
    budget = Budget(burst=3, rate=1.0, now=0.0)
    assert [budget.spend(0.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_spent_comes_back_with_time_and_never_more_than_the_burst() -> None:
    budget = Budget(burst=2, rate=2.0, now=0.0)
    assert [budget.spend(0.0), budget.spend(0.0), budget.spend(0.5)] == [True, True, True]
    assert [budget.spend(100.0) for _ in range(3)] == [True, True, False]
