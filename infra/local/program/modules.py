"""What a program imports: the packages of its own project, whatever this process has imported.

Pulumi's language host runs a program in a process of its own, in the project's folder. Here it runs
in ours, which has the packages `handler` and `infra` of this project.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def modules_of(project: Path) -> Iterator[None]:
    """Within it, imports find the project's packages; afterwards all is as before."""
    packages = {each.parent.name for each in project.glob("*/__init__.py")}
    set_aside = _modules(packages) if not _are_of(project, packages) else {}
    for name in set_aside:
        del sys.modules[name]
    sys.path.insert(0, str(project))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(project))
        if set_aside:
            for name in _modules(packages):
                del sys.modules[name]
            sys.modules.update(set_aside)


def _are_of(project: Path, packages: set[str]) -> bool:
    """Whether what is imported of these packages is the project's."""
    imported = [sys.modules[name].__file__ for name in packages if name in sys.modules]
    return all(file and Path(file).parent.parent == project for file in imported)


def _modules(packages: set[str]) -> dict[str, ModuleType]:
    """What is imported of these packages."""
    return {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] in packages
    }
