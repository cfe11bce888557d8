#!/bin/bash
# cppcheck over the library and the program.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need cppcheck
need_files 'cmd/*.c' 'lib/*.c'
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
	-D_GNU_SOURCE -D__linux__ -I lib -I include -j 2 --error-exitcode=1 "${files[@]}" ||
	fail "see above"
pass "${#files[@]} files"
