#!/bin/bash
# Every C file is formatted as .clang-format says.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need clang-format git
need_files '*.c' '*.h'
clang-format --dry-run -Werror "${files[@]}" || fail "run: clang-format -i FILE"
pass "${#files[@]} files"
