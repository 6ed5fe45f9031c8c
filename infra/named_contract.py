"""The contract that a command works with, by its name: the user's own modules nothing imports."""

import importlib
from typing import Final

from handler.config import RequestsStream

CONTRACT: Final = "handler.contract.CONTRACT"
"""Where the program's contract is, unless the command line names another one's."""


class NamedContractError(Exception):
    """There is no contract of that name; says why."""


def contract_named(name: str) -> RequestsStream:
    """The contract of that module and name. Raises `NamedContractError`."""
    module, _, attribute = name.rpartition(".")
    try:
        contract = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise NamedContractError(f"the contract {name} cannot be imported: {error}") from error
    if not isinstance(contract, RequestsStream):
        raise NamedContractError(f"the contract {name} must be a RequestsStream, got {contract!r}")
    return contract
