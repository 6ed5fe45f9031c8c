"""What `process` is told by its stack, beside what the pipeline tells. This file is yours.

Each field is an environment variable of the function, its name in capitals: `topic_arn` is
TOPIC_ARN. It may be str, int, bool, a StrEnum or a tuple of these; a default may stand in.
`infra/yours.py` gives the values, and a preview refuses what is missing or does not fit. The
contract names it (`handler/contract.py`); the infrastructure imports this module, so the standard
library is all it uses.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Nothing yet. In `process`: `settings = settings_from(os.environ, Settings)`."""
