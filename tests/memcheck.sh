#!/bin/bash
# valgrind's memcheck over a sample of the test programs.  What sanitizers cannot see, use of memory
# that was never written, is what it is for; so the build has to be one without them.
#
#   tests/memcheck.sh BUILD-DIRECTORY [PROGRAM...]      default: the sample below
#
# The simulation plays a few stories. Exit status 1 when a program has an error or a leak.
set -euo pipefail

build=$1
shift
sample=(unit/test_json unit/test_plan unit/test_yaml_node unit/test_ledger_write unit/test_history
    unit/test_prune unit/test_deploy_spec component/test_mutation
    component/test_docker_objects)
[ $# -eq 0 ] || sample=("$@")
failed=0

# check NAME COMMAND...: forked children are judged by their parents.
check() {
    local name=$1 log said
    shift

    log=$(mktemp)
    said=$(mktemp)
    if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --child-silent-after-fork=yes --log-file="$log" "$@" >"$said" 2>&1; then
        echo "ok $name"
    else
        echo "FAILED $name (status $?)"
        # A test that fails leaves what it had allocated: its own words come first.
        grep -E 'FAILED|LINE|BROKEN' "$said" || true
        head -n 40 "$log"
        failed=1
    fi
    rm -f "$log" "$said"
}

for program in "${sample[@]}"; do
    check "$program" "$build/tests/$program"
done
check "sim/test_simulation" "$build/tests/sim/test_simulation" --count 3
exit "$failed"
