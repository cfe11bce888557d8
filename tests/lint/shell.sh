#!/bin/bash
# Runs shellcheck over every shell script, bats file and the CI entry.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need shellcheck git
need_files '*.sh' '*.bash' '.ci/run'
scripts=("${files[@]}")
shellcheck -x "${scripts[@]}" || fail "see above"
list_files '*.bats'
if [ "${#files[@]}" -gt 0 ]; then
	shellcheck -x -s bats "${files[@]}" || fail "see above"
fi
pass "${#scripts[@]} scripts, ${#files[@]} bats files"
