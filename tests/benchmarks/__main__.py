"""`python -m tests.benchmarks [NAME ...]`: all benchmarks, or those that are named.

Figures of one machine mean little; what stands side by side was measured in the same run. A target
that is missed is said and fails nothing: the exit code is 0 unless a benchmark cannot be run.
"""

import os
import platform
import sys

from tests.benchmarks import (
    bench_delivery,
    bench_filters,
    bench_handler,
    bench_idempotency,
    bench_item_types,
    bench_local,
    bench_runtime,
)

BENCHMARKS = {
    "filters": bench_filters.main,
    "handler": bench_handler.main,
    "item-types": bench_item_types.main,
    "idempotency": bench_idempotency.main,
    "delivery": bench_delivery.main,
    "runtime": bench_runtime.main,
    "local": bench_local.main,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
        return 2
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    print(f"{cores} cores, Python {platform.python_version()}, load {load:.1f} before")
    if load > cores / 2:
        print("others are at work on this machine: absolute figures are worse than they could be")
    sys.stdout.flush()
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
