"""What the tests of each folder cost: a table at the end of a run of several folders."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass

import pytest


@dataclass
class _Cost:
    tests: int = 0
    #: Of the clock: what waits costs time and no processor.
    seconds: float = 0
    #: Of the processors, by the tests and by whatever they started and waited for the end of.
    cpu: float = 0


class Times:
    """A plugin of pytest, for workers and for who gathers their reports."""

    def __init__(self) -> None:
        self._folders: dict[str, _Cost] = {}
        self._before = _cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        yield
        now = _cpu()
        item.user_properties.append(("cpu", now - self._before))
        self._before = now

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = "/".join(report.nodeid.partition("::")[0].split("/")[:2])
        cost = self._folders.setdefault(folder, _Cost())
        cost.seconds += report.duration
        if report.when == "teardown":
            cost.tests += 1
            cost.cpu += sum(float(str(value)) for name, value in report.user_properties if name == "cpu")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self._folders) < 2:
            return
        terminalreporter.section("seconds by folder: of the processors, of the clock, tests")
        for folder, cost in sorted(self._folders.items(), key=lambda found: -found[1].cpu):
            terminalreporter.line(f"{cost.cpu:8.1f} {cost.seconds:8.1f} {cost.tests:6}  {folder}")


def _cpu() -> float:
    return sum(os.times()[:4])
