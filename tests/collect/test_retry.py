"""When a prompt is asked again, and when it, or its server, is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.collect.engines.retry import Backoff, Breaker
from eval.errors import EngineError, EngineOverloaded, EngineRejected, EngineUnreachable

BROKE = EngineUnreachable("the connection broke")


@given(
    st.integers(1, 60),
    st.floats(0.001, 5),
    st.floats(0.001, 60),
    st.sampled_from([BROKE, EngineError("500", status=500)]),
)
def test_waits_grow_to_a_bound_and_end_after_the_attempts(
    attempts: int, first: float, longest: float, error: EngineError
) -> None:
    backoff = Backoff(attempts, first, longest, patience=600)
    waits = [backoff.wait(error) for _ in range(attempts)]
    assert waits[-1] is None
    assert backoff.tries == attempts
    for number, wait in enumerate(waits[:-1]):
        grown = min(longest, first * 2.0**number)
        assert wait is not None
        assert grown * 0.5 <= wait <= grown


def test_what_was_refused_is_not_asked_again() -> None:
    assert Backoff(5, 0.5, 30, 600).wait(EngineRejected("too long", status=422)) is None


@given(st.floats(0, 500))
def test_a_busy_server_is_not_asked_before_it_said(after: float) -> None:
    backoff = Backoff(1, 0.5, 30, patience=600)
    for _ in range(3):
        wait = backoff.wait(EngineOverloaded("overloaded", retry_after=after))
        assert wait is not None
        assert after <= wait <= max(after * 1.1, 2.0)


def test_refusals_of_a_busy_server_use_up_no_attempts() -> None:
    backoff = Backoff(2, 0.5, 30, patience=600)
    assert all(backoff.wait(EngineOverloaded("overloaded")) is not None for _ in range(50))
    assert backoff.wait(BROKE) is not None
    assert backoff.wait(BROKE) is None


def test_a_server_is_given_up_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(limit=3)
    for _ in range(5):
        breaker.failed(BROKE)
        breaker.failed(BROKE)
        breaker.answered()
    breaker.failed(BROKE)
    breaker.failed(EngineRejected("too long"))
    breaker.failed(BROKE)
    with pytest.raises(
        EngineUnreachable, match=r"^the connection broke — the last 3 prompts failed like this, so the run"
    ):
        breaker.failed(BROKE)
    with pytest.raises(EngineError) as caught:
        breaker.failed(EngineError("boom", status=500))
    assert (type(caught.value), caught.value.status) == (EngineError, 500)
