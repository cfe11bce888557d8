#!/bin/bash
# Each header compiles alone: it includes what it uses. Those of the public API see only each other.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need gcc xargs
need_files 'include/*.h' 'lib/*.h' 'cmd/*.h'

# compile_alone HEADER
compile_alone() {
	local include=(-Iinclude)
	[[ $1 == include/* ]] || include+=(-Ilib -Icmd)
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only \
		"${include[@]}" -x c - <<<"#include \"$PWD/$1\""
}
export -f compile_alone

# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\0' "${files[@]}" |
	xargs -0 -n 1 -P "${SHIPCTL_TEST_JOBS:-$(nproc)}" bash -c 'compile_alone "$1"' - || fail "see above"
pass "${#files[@]} headers"
