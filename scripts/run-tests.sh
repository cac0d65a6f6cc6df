#!/bin/sh
# Style, types and tests, in this order and all of them; pytest's closing line is the last word when all is well.
venv=$1
lint=0
"$venv/bin/ruff" check --output-format concise . || lint=1
"$venv/bin/ruff" format --check --output-format concise . || lint=1
"$venv/bin/mypy" || lint=1
"$venv/bin/python" -m pytest
status=$?
[ "$status" -ne 0 ] && exit "$status"
[ "$lint" -eq 0 ] || echo "The tests passed, but ruff or mypy complained above."
exit "$lint"
