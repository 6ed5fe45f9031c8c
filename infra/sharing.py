"""What a pipeline shares with another one: the stream of a table, or an image.

Nothing can be set of what another pipeline makes, and the stream must carry what this one needs.
"""

from collections.abc import Iterator

import pulumi

from infra.additions import Additions
from infra.config import ImageConfig, TableConfig
from infra.config.stack import ConfigError, StackConfig
from infra.image import ProcessorImage
from infra.table import RequestsTable

_READERS: int = 2
"""Of a shard, at the same time: more can be throttled (Lambda Developer Guide, "Simultaneous
readers of a shard in DynamoDB Streams"). Of a global table it should be one."""


def check(
    name: str,
    config: StackConfig,
    additions: Additions,
    *,
    table: RequestsTable | None,
    image: ProcessorImage | None,
) -> None:
    """Raises `ConfigError` with all that does not fit the table or image of another pipeline."""
    mistakes = []
    if table is not None:
        mistakes += [*_table_mistakes(config, additions, table)]
    if image is not None and config.image != ImageConfig():
        mistakes.append("image is set, and the pipeline runs the image of another one")
    if mistakes:
        raise ConfigError(mistakes, where=f"the pipeline {name}")


def read_by(table: RequestsTable, name: str) -> None:
    """One more function reads the table's stream."""
    table.readers.append(name)
    if len(table.readers) > _READERS:
        pulumi.log.warn(
            f"{', '.join(table.readers)} read one stream: more than {_READERS} readers of a shard "
            "can be throttled; let one function do the work of two"
        )


def _table_mistakes(
    config: StackConfig, additions: Additions, table: RequestsTable
) -> Iterator[str]:
    if config.table != TableConfig():
        yield "table is set, and the pipeline reads the table of another one"
    for name in additions.of_own_table:
        yield f"{name} cannot be given: the pipeline reads the table of another one"
    stream = config.requests_stream
    if stream.view_type is not table.contract.view_type:
        yield (
            f"stream.viewType must be {table.contract.view_type}, which the table's stream "
            f"carries, got {stream.view_type}"
        )
    if stream.item.keys != table.contract.item.keys:
        yield "the contract's item must have the keys of the table"
