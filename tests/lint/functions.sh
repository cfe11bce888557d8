#!/bin/bash
# No function over 60 lines; the median and the longest one are reported. In tests the rows of
# data tables (lines that begin with a brace) do not count, nor does the list of tests in main().
#
# clang-format puts the braces of a function body into column one, so its first and last
# line can be found without a parser.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

limit=60
need git awk sort
need_files 'cmd/*.c' 'lib/*.c' 'tests/*.c'
lengths=$(awk '
	FNR == 1 { inside = 0; in_tests = FILENAME ~ /^tests\// }
	/^[A-Za-z_].*[({,]$|^[A-Za-z_].*\)$/ && !inside { head = $0; at = FNR }
	/^\{$/ { inside = 1; start = at; name = head; rows = 0 }
	inside && in_tests && /^ +[{"]/ { rows++ }
	/^\}$/ && inside {
		sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		if (!(in_tests && name == "main"))
			print FNR - start + 1 - rows, FILENAME ":" start, name
		inside = 0
	}' "${files[@]}" | sort -n)
[ -n "$lengths" ] || fail "no function found: the pattern is broken"
long=$(awk -v limit="$limit" '$1 > limit' <<<"$lengths")
[ -z "$long" ] || {
	echo "$long"
	fail "longer than $limit lines"
}
product=$(grep -v ' tests/' <<<"$lengths") || fail "no function of the product found"
median=$(awk -v n="$(wc -l <<<"$product")" 'NR == int((n + 1) / 2) { print $1 }' <<<"$product")
[ "$median" -lt 15 ] || fail "median of the product is $median lines, must be below 15"
pass "$(wc -l <<<"$lengths") functions; product: median $median, longest $(tail -1 <<<"$product")"
