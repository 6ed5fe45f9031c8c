"""How long retries take here, which AWS does not document, is what the documentation says."""

from infra.config import EventSourceConfig
from infra.local.mapping.delivery import Batch
from tests import pages


def test_the_operations_guide_quotes_how_long_the_default_retries_take() -> None:
    retries = EventSourceConfig().maximum_retry_attempts
    seconds = sum(
        Batch(shard_id="shard", records=(), invocations=done).back_off
        for done in range(1, retries + 1)
    )

    text = pages.text("operations.md")
    assert f"our own guess and makes {seconds:.0f} seconds" in text
