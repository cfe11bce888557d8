#!/bin/bash
# Every check type has its line in the table, its unit test and its heading in the man page.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need grep sed
need_files 'lib/check/*.c'
problems=0

complain() {
	echo "$1"
	problems=$((problems + 1))
}

mapfile -t types < <(sed -n 's/^const struct check_type check_\([a-z0-9_]*\) = {$/\1/p' lib/check/*.c | sort)
[ "${#types[@]}" -gt 0 ] || fail "no check types found in lib/check"

for type in "${types[@]}"; do
	grep -q "^    &check_$type,\$" lib/check/registry.c ||
		complain "check type '$type' has no line in lib/check/registry.c"
	[ -f "tests/unit/test_check_$type.c" ] ||
		complain "check type '$type' has no tests/unit/test_check_$type.c"
	if [ -f man/shipctl.yaml.5 ]; then
		grep -Eq "^\.(Ss|It) .*\b$type\b" man/shipctl.yaml.5 ||
			complain "check type '$type' has no heading in man/shipctl.yaml.5"
	fi
done

lines=$(grep -c '^    &check_' lib/check/registry.c)
[ "$lines" -eq "${#types[@]}" ] ||
	complain "lib/check/registry.c lists $lines types, lib/check defines ${#types[@]}"

[ "$problems" -eq 0 ] || fail "$problems parts missing"
pass "${#types[@]} check types"
