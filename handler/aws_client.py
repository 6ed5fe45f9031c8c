"""How long AWS clients try. Importing this module imports botocore."""

from typing import Final

from botocore.config import Config

CLIENT_CONFIG: Final = Config(
    # botocore's own minute per attempt would outlast most functions: what cannot be
    # reached must fail while there is still time to report it.
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
)
