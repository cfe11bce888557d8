# Shared by the lint scripts: where the repository is, and how a check ends.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

name=$(basename "$0" .sh)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# End with one clear line. A missing tool or no input is a failure: it would hide real ones.
fail() {
	echo "lint/$name: FAIL: $*" >&2
	exit 1
}

pass() {
	echo "lint/$name: ok: $*"
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || fail "'$tool' is not installed"
	done
}

# Tracked and new files matching the given pathspecs, into the array `files`.
# shellcheck disable=SC2034 # read by the scripts that source this
list_files() {
	local file
	files=()
	while IFS= read -r -d '' file; do
		if [ -f "$file" ]; then
			files+=("$file")
		fi
	done < <(git ls-files -z --cached --others --exclude-standard -- "$@")
}

need_files() {
	list_files "$@"
	[ "${#files[@]}" -gt 0 ] || fail "no files match: $*"
}

# The build directory whose compile_commands.json the analysers use.
# shellcheck disable=SC2034
need_compile_commands() {
	need cmake ninja clang
	build=${SHIPCTL_TIDY_BUILD:-build-asan/tidy}
	cmake --preset tidy -B "$build" >/dev/null || fail "cannot configure '$build'"
	[ -s "$build/compile_commands.json" ] || fail "no compile_commands.json in '$build'"
}
