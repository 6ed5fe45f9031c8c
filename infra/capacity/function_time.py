"""How long an invocation takes, of so many records: an estimate, of what was measured.

`make bench ARGS=idempotency` measured the handler's own CPU and the calls of its memory
(docs/scaling.md); a call takes as long as alexdebrie/dynamodb-performance-testing measured on AWS.
"""

import math
from dataclasses import dataclass
from typing import Final

WHOLE_CORE: Final = 1769
"""MB with which a function has one (Lambda Developer Guide, "Configure Lambda function memory")."""

CPU_SECONDS: Final = 9e-6
"""Of the handler, for one record, without its memory of events."""
CPU_SECONDS_REMEMBERING: Final = 264e-6
"""The same with it."""
CALL_SECONDS: Final = 0.0102
"""One round of calls to the memory's table, of up to `RECORDS_A_ROUND` records."""
RECORDS_A_ROUND: Final = 100
SECONDS_AHEAD: Final = 1.0
"""No more records are claimed ahead than run in this time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionTime:
    """The time of a function that processes one record after the other."""

    process_seconds: float
    """Of one record that is a request."""
    passing: float = 1.0
    """The share of the delivered records that are requests; the others are only looked at."""
    remembers: bool
    memory_size: int
    timeout: float
    minimum_remaining: float
    """Seconds before the timeout at which no record is begun any more."""

    def before(self, records: int) -> float:
        """Until the first record is begun: the claims of those that are claimed ahead."""
        return CALL_SECONDS if self.remembers and records else 0.0

    @property
    def core(self) -> float:
        """The share of one that the function has."""
        return min(1.0, self.memory_size / WHOLE_CORE)

    @property
    def per_record(self) -> float:
        """What a record adds, on average."""
        of_request = CPU_SECONDS_REMEMBERING if self.remembers else CPU_SECONDS
        cpu = self.passing * of_request + (1 - self.passing) * CPU_SECONDS
        return self.passing * self.process_seconds + cpu / self.core

    def after(self, records: int) -> float:
        """Once the last record is done: what is then still to be remembered."""
        return CALL_SECONDS if self.remembers and records else 0.0

    def seconds(self, records: int) -> float:
        """Of an invocation in which nothing fails."""
        claims = CALL_SECONDS * (self._rounds(records) - 1) if self.remembers and records else 0.0
        return self.before(records) + records * self.per_record + claims + self.after(records)

    def fitting(self) -> int:
        """How many records one invocation processes before it stops in time; at least one."""
        left = self.timeout - self.minimum_remaining - self.before(1)
        a_round = CALL_SECONDS / self._ahead if self.remembers else 0.0
        return max(1, int(left / (self.per_record + a_round) + 1e-9))

    @property
    def _ahead(self) -> int:
        """Records of one round of claims."""
        return max(1, min(RECORDS_A_ROUND, int(SECONDS_AHEAD / self.per_record)))

    def _rounds(self, records: int) -> int:
        return math.ceil(records * self.passing / self._ahead) or 1
