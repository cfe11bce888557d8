#!/bin/bash
# Words that must not be in the repository: paths of one machine, open ends without a
# reference, calls the compiler cannot ban.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need git grep
need_files .
problems=0

# What must not appear: an extended regular expression; then what may all the same (per line).
forbid() {
	local why=$1 pattern=$2 allowed=$3 found
	shift 3
	list_files "$@" ':!tests/lint/forbidden.sh' ':!LICENSE'
	[ "${#files[@]}" -gt 0 ] || return 0
	found=$(grep -nHIE -- "$pattern" "${files[@]}" | grep -vE -- "$allowed" || true)
	if [ -n "$found" ]; then
		echo "$found"
		echo "  ^ $why"
		problems=$((problems + 1))
	fi
}

nothing='^$'
forbid "path of one machine" '(^|[^A-Za-z0-9_.}/-])/(work|root|home/[a-z])(/|["'\'' ]|$)' \
	"$nothing" .
# Temporary files are made with mktemp under a name that says whose they are.
# The scripts of the test images run in containers, where /tmp is their own.
forbid "fixed name under /tmp" '/tmp/[A-Za-z0-9]' '/tmp/shipctl[-.]|XXXXXX' . ':!tests/setup/images'
forbid "TODO without an issue number" '(TODO|FIXME|XXX)([^X#]|$)' '(TODO|FIXME)\(#[0-9]+\)|XXXXXX' \
	'*.c' '*.h' '*.sh' '*.bash' '*.bats' '*.cmake' '*.md'
forbid "ignores case: use cJSON_GetObjectItemCaseSensitive" 'cJSON_(GetObjectItem|HasObjectItem|DeleteItemFromObject|DetachItemFromObject|ReplaceItemInObject)\(' \
	"$nothing" '*.c' '*.h'
forbid "comments are /* */" '^[[:space:]]*//' "$nothing" '*.c' '*.h'
forbid "tab in C code" "$(printf '\t')" "$nothing" '*.c' '*.h'
forbid "trailing white space" '[[:blank:]]+$' "$nothing" '*.c' '*.h' '*.sh' '*.bash' '*.bats' '*.cmake'

[ "$problems" -eq 0 ] || fail "$problems rules broken"
list_files .
pass "${#files[@]} files"
