#!/bin/bash
# Every subcommand has its manual page, and every option and value of --help is in it.
#
# Input: SHIPCTL_BINARY, default build-asan/shipctl.  help and version are explained in
# shipctl(1), like the options of every command.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need mandoc sed grep
binary=${SHIPCTL_BINARY:-build-asan/shipctl}
[ -x "$binary" ] || fail "'$binary' is not built"
problems=0
options=0

report() {
	echo "$*"
	problems=$((problems + 1))
}

# A page as plain text without overstriking, hyphenation or line ends.
page_text() {
	mandoc -T utf8 -O width=500 "$1" | sed -E 's/.\x08//g' | tr '\n' ' '
}

# The options of a part of --help, "-n" and "--limit" each on a line: options_of TITLE HELP
options_of() {
	sed -n "/^$1/,/^\$/p" <<<"$2" | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--?[A-Za-z][a-z-]*'
}

# check_options PAGE OPTIONS
check_options() {
	local text option
	text=$(page_text "$1")
	for option in $2; do
		options=$((options + 1))
		# mandoc writes the hyphens of options as such
		grep -qE -- "(^|[^A-Za-z-])$option([^A-Za-z-]|\$)" <<<"$text" ||
			report "$1: '$option' of --help is missing"
	done
}

# The synopsis names the arguments of the usage line: "Usage: shipctl history [OPTION...] [ID]"
check_words() {
	local text word words=$3
	text=$(page_text "$1")
	for word in ${words//[][|]/ }; do
		grep -qwF -- "$word" <<<"$text" || report "$1: '$word' of the usage of $2 is missing"
	done
}

overview=$("$binary" --help)
commands=$(sed -n '/^Commands:/,/^$/p' <<<"$overview" | awk '/^  [a-z]/ { print $1 }')
[ -n "$commands" ] || fail "--help lists no command: the pattern is broken"
main=man/shipctl.1
if [ -f "$main" ]; then
	check_options "$main" "$(options_of 'Options' "$overview")"
else
	report "$main: missing"
fi
for command in $commands; do
	case $command in
	help | version) continue ;;
	esac
	page=man/shipctl-$command.1
	help=$("$binary" "$command" --help)
	if [ ! -f "$page" ]; then
		report "$page: missing"
		continue
	fi
	check_options "$page" "$(options_of 'Options:' "$help" || true)"
	check_words "$page" "$command" "$(sed -nE '1s/.*\[OPTION\.\.\.\] ?//p' <<<"$help")"
done
[ "$problems" -eq 0 ] || fail "$problems problems"
pass "$(wc -w <<<"$commands") commands, $options options"
