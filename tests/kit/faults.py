"""Faults on request, in the words of docs/emulator.md: OPERATION[#N]=FAILURE[,OPTION=VALUE]."""

import re
from dataclasses import dataclass

# The failures with the option that each may have.
FAILURES = {
    "429": "retry-after",
    "500": "retry-after",
    "503": "retry-after",
    "drop-before": None,
    "drop-after": None,
    "stall-before": None,
    "stall-after": None,
    "cut": None,
    "delay": "ms",
}
FORM = re.compile(r"(?P<operation>[^#=]*)(#(?P<nth>[^=]*))?=(?P<failure>[^,]*)(,(?P<option>.*))?")
NTH = re.compile(r"(?P<first>[1-9]\d*)(?P<open>\.\.(?P<last>[1-9]\d*)?)?")


@dataclass
class Fault:
    """What fails, which time, and how; `seen` counts the times since the beginning."""

    text: str
    operation: str
    first: int
    last: float
    failure: str
    number: int | None
    seen: int = 0

    def is_due(self, operation):
        """Counts an operation, and says whether this fault is to strike it."""
        if self.operation not in ("any", operation):
            return False
        self.seen += 1
        return self.first <= self.seen <= self.last


def parse(text, operations):
    """Reads a fault of one of these operations; a ValueError says which part is wrong."""
    parts = FORM.fullmatch(text)
    if not parts:
        raise ValueError(f"'{text}' is not of the form OPERATION[#N]=FAILURE")
    if parts["operation"] not in ("any", *operations):
        raise ValueError(f"'{parts['operation']}' is no operation; there are any, {', '.join(operations)}")
    first, last = _nth(parts["nth"])
    number = _number(parts["failure"], parts["option"])
    return Fault(text, parts["operation"], first, last, parts["failure"], number)


def _nth(text):
    if text is None:
        return 1, float("inf")
    parts = NTH.fullmatch(text)
    if not parts:
        raise ValueError(f"'#{text}' is not of the form #2, #2..5 or #2.., from #1 on")
    first = int(parts["first"])
    last = first if not parts["open"] else int(parts["last"]) if parts["last"] else float("inf")
    if last < first:
        raise ValueError(f"'#{text}' ends before it begins")
    return first, last


def _number(failure, option):
    if failure not in FAILURES:
        raise ValueError(f"'{failure}' is no failure of a request; there are {', '.join(FAILURES)}")
    name = FAILURES[failure]
    if option is None:
        if failure == "delay":
            raise ValueError("'delay' needs its milliseconds: delay,ms=500")
        return None
    value = option.removeprefix(f"{name}=")
    if name is None or value == option or not value.isdecimal():
        raise ValueError(f"'{failure}' has no option '{option}'" if name is None else f"'{option}' is not {name}=NUMBER")
    return int(value)


class Faults:
    """All that is to fail."""

    def __init__(self, faults):
        self._faults = faults

    def strike(self, operation):
        """The fault that strikes an operation: of several that are due the first; all of them count."""
        due = [fault for fault in self._faults if fault.is_due(operation)]
        return due[0] if due else None
