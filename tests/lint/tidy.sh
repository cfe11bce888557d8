#!/bin/bash
# clang-tidy over all .c files, or those that differ from a commit: tidy.sh [--since COMMIT]
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need clang-tidy git xargs
need_compile_commands
if [ "${1:-}" = --since ]; then
	mapfile -t files < <(git diff --name-only --diff-filter=d "$2" -- '*.c')
	if [ "${#files[@]}" -eq 0 ]; then
		pass "no file changed since $2"
		exit 0
	fi
else
	need_files 'cmd/*.c' 'lib/*.c' 'tests/unit/*.c' 'tests/component/*.c' 'tests/support/*.c'
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '%s\0' "${files[@]}" |
	xargs -0 -n 4 -P 2 clang-tidy --quiet -p "$build" >"$log" 2>/dev/null || {
	cat "$log"
	fail "see above"
}
pass "${#files[@]} files"
