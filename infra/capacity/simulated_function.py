"""The function of a simulation: it takes the time that it is said to, and fails in an outage."""

import asyncio
from collections.abc import Mapping
from typing import Any

from infra.capacity.scenario import Outcome, Scenario
from infra.capacity.virtual_time import now
from infra.local.function.invocation import Invocation


class SimulatedFunction:
    """Processes record after record, and hands back what fails and what the time is too short for.

    As the handler does: the first failure ends a batch.
    """

    def __init__(self, scenario: Scenario, outcome: Outcome) -> None:
        self._scenario = scenario
        self._outcome = outcome

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        records = event["Records"]
        time, outcome = asyncio.get_running_loop().time(), self._outcome
        written = records[-1]["dynamodb"]["ApproximateCreationDateTime"]
        outcome.ages.append((time, max(0.0, now() - written)))
        done, duration = self._done(len(records), time)
        outcome.batches.append(len(records))
        outcome.invocations += 1
        outcome.busy += duration
        await asyncio.sleep(duration)
        response = None
        if done < len(records):
            number = records[done]["dynamodb"]["SequenceNumber"]
            response = {"batchItemFailures": [{"itemIdentifier": number}]}
        return Invocation(request_id=request_id, event=None, response=response, duration=duration)

    def _done(self, records: int, begun: float) -> tuple[int, float]:
        """How many records are done, and how long that takes."""
        time, scenario = self._scenario.function, self._scenario
        done = min(records, time.fitting())
        first = begun + time.before(records)
        if first < scenario.outage_to and first + done * time.per_record > scenario.outage_from:
            healthy = max(0.0, scenario.outage_from - first)
            done = min(done, int(healthy / time.per_record + 1e-9))
            failed = time.before(records) + (done + 1) * time.per_record
            return done, failed + time.after(done)
        return done, time.seconds(done)
