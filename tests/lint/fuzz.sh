#!/bin/bash
# Every fuzz target has a corpus of small files, every corpus a target; tests.cmake replays each.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

max_bytes=16384

need git
need_files 'tests/fuzz/fuzz_*.c'
targets=("${files[@]}")
for target in "${targets[@]}"; do
	corpus=tests/fuzz/corpus/$(basename "$target" .c | sed 's/^fuzz_//')
	list_files "$corpus/*"
	[ "${#files[@]}" -ge 5 ] || fail "$target: fewer than 5 files in $corpus"
done

need_files 'tests/fuzz/corpus/*'
for file in "${files[@]}"; do
	target=tests/fuzz/fuzz_$(basename "$(dirname "$file")").c
	[ -f "$target" ] || fail "$file: there is no $target"
	[ "$(stat -c %s "$file")" -le "$max_bytes" ] || fail "$file: larger than $max_bytes bytes"
done

grep -q 'ship_test_folder(fuzz "fuzz_\*.c")' tests/tests.cmake || fail "tests.cmake replays nothing"
pass "${#targets[@]} targets, ${#files[@]} inputs"
