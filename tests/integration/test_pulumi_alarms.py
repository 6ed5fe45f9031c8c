"""Alarms that Pulumi's own engine makes, changes and deletes are evaluated as they are then."""

import pytest

from infra.config.stack_file import merged
from infra.local.cloudwatch.alarms import State
from tests.integration.pulumi_stacks import DEFAULTS, stack

pytestmark = pytest.mark.xdist_group("pulumi-alarms")


def test_alarms_follow_the_stack() -> None:
    on = merged(DEFAULTS, {"monitoring": {"enabled": True}})
    with stack("defaults", on) as monitored:
        monitored.up()
        monitored.aws.look_at_alarms()
        assert len(monitored.aws.alarms) == 13
        assert monitored.aws.alarms_not_evaluated == []
        lost = next(name for name in monitored.aws.alarms if name.endswith("-records-lost"))
        assert monitored.aws.alarms[lost] is State.OK

        monitored.config = DEFAULTS
        monitored.up()
        assert monitored.aws.alarms == {}
