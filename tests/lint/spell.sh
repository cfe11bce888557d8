#!/bin/bash
# Common misspellings in everything that is text.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need codespell git
need_files '*.c' '*.h' '*.md' '*.sh' '*.bash' '*.bats' '*.cmake' 'CMakeLists.txt' 'man/*' 'examples/*'
# Words that are right here: identifiers and test data with deliberate mistakes.
codespell --ignore-words tests/lint/words.txt "${files[@]}" || fail "see above"
pass "${#files[@]} files"
