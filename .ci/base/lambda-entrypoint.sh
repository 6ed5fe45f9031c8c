#!/bin/sh
# The runtime client, with the first argument as the handler. /var/task goes before /var/runtime, so
# that a function's own packages win, as on AWS.
export _HANDLER="$1"
export PYTHONPATH="${LAMBDA_TASK_ROOT}:${PYTHONPATH:+${PYTHONPATH}:}${LAMBDA_RUNTIME_DIR}"
exec python -m awslambdaric "$1"
