#!/bin/bash
# clang-tidy over all .c files, or those that differ from a commit: tidy.sh [--since COMMIT]
#
# The library and the program get all checks; tests/.clang-tidy leaves out the path analysis.
# A file found clean is not looked at again until it, a header of ours it includes, its compile
# command, .clang-tidy or clang-tidy itself changes: build-asan/tidy/clean keeps their checksums.
# Input: SHIPCTL_TEST_JOBS, default the number of processors.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need clang-tidy git xargs sha256sum
need_compile_commands
if [ "${1:-}" = --since ]; then
	mapfile -t files < <(git diff --name-only --diff-filter=d "$2" -- '*.c')
	if [ "${#files[@]}" -eq 0 ]; then
		pass "no file changed since $2"
		exit 0
	fi
else
	need_files 'cmd/*.c' 'lib/*.c' 'tests/*.c'
fi

export build clean=$build/clean
tool=$(clang-tidy --version | grep -E 'version')
export tool
mkdir -p "$clean"

# The compile command of a file; nothing when the build does not have it.
command_of() {
	awk -v file="$PWD/$1" '
		/^ *"command": / { command = $0 }
		/^ *"file": / && index($0, "\"" file "\"") { print command; exit }' \
		"$build/compile_commands.json" |
		sed -E 's/^ *"command": "(.*)",$/\1/; s/\\(.)/\1/g'
}

# What the verdict on a file rests on, as sha256sum writes it.
checksums() {
	local depends=$2
	eval "${depends/ -o * -c / -MM -c }" | sed 's/^[^:]*://; s/\\$//' | tr -s ' ' '\n' |
		grep . | grep -v "^/usr/" | xargs sha256sum .clang-tidy tests/.clang-tidy
}

# tidy_one FILE: quiet and 0 when clean.
tidy_one() {
	local command stamp log
	command=$(command_of "$1")
	[ -n "$command" ] || {
		echo "$1: not part of the build"
		return 1
	}
	stamp=$clean/$(sha256sum <<<"$tool $command" | cut -c 1-32)
	[ -s "$stamp" ] && sha256sum --check --status "$stamp" 2>/dev/null && return
	rm -f "$stamp"
	if log=$(clang-tidy --quiet -p "$build" "$1" 2>&1); then
		checksums "$1" "$command" >"$stamp.new" && mv "$stamp.new" "$stamp"
		return
	fi
	grep -vE '^[0-9]+ warnings? (generated|treated as)' <<<"$log"
	return 1
}
export -f command_of checksums tidy_one

# The largest first, so that no processor waits for the last one.
# shellcheck disable=SC2012,SC2016 # names are ours; expanded by the inner shell
ls -S -- "${files[@]}" | tr '\n' '\0' |
	xargs -0 -n 1 -P "${SHIPCTL_TEST_JOBS:-$(nproc)}" bash -c 'tidy_one "$1"' - || fail "see above"
pass "${#files[@]} files"
