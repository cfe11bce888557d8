#!/bin/bash
# mandoc's own checks over the manual pages.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need mandoc git
list_files 'man/*'
for file in ${files[@]+"${files[@]}"}; do
	mandoc -Tlint -Wwarning "$file" || fail "$file: see above"
done
pass "${#files[@]} files"
