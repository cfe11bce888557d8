#!/bin/bash
# The examples that no program of ours reads: systemd units, the workflow, the crontab.
# Plans and Compose files are loaded by tests/unit/test_examples.c and e2e/05-examples.bats.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need git awk
list_files 'examples/systemd/*'
units=("${files[@]}")
[ "${#units[@]}" -gt 0 ] || fail "no units"

# --- systemd: by systemd itself where it is, else by shape ------------------------------------

verify_units() {
	local dir
	dir=$(mktemp -d)
	# The program is not installed where the units expect it.
	for file in "${units[@]}"; do
		sed "s|/usr/local/bin/shipctl|/bin/true|" "$file" >"$dir/${file##*/}"
	done
	# docker.service may be absent here: nothing else may be said.
	systemd-analyze verify --man=no "$dir"/* 2>&1 | grep -v 'docker.service' >"$dir.log" || true
	rm -rf "$dir"
	[ ! -s "$dir.log" ] || { cat "$dir.log" && rm -f "$dir.log" && fail "see above"; }
	rm -f "$dir.log"
}

shape_of_units() {
	awk '
		/^(#|$)/ { next }
		/^\[(Unit|Service|Timer|Install)\]$/ { section = $0; next }
		section != "" && /^[A-Z][A-Za-z]*=[^ ]/ { next }
		{ print FILENAME ":" FNR ": " $0; bad = 1 }
		END { exit bad }' "${units[@]}" || fail "not a line of a unit"
}

shape_of_units
if command -v systemd-analyze >/dev/null; then
	verify_units
fi

# --- crontab: five fields of time, a command --------------------------------------------------

awk '
	/^(#|$)/ || /^[A-Z_]+=/ { next }
	{
		for (i = 1; i <= 5; i++)
			if ($i !~ /^(\*|[0-9]+(-[0-9]+)?)(\/[0-9]+)?(,[0-9]+)*$/) bad = FNR
		if (NF < 6 || $0 ~ /%/) bad = FNR
		n++
	}
	END {
		if (bad) print FILENAME ":" bad ": not a line of a crontab"
		exit bad || !n
	}' examples/crontab || fail "see above"

# --- the workflow (tests/unit/test_examples.c parses it): its scripts pass shellcheck ---------------------------------------

need shellcheck python3
python3 - examples/github-actions/deploy.yml <<'PYTHON' || fail "see above"
import re, subprocess, sys

text = open(sys.argv[1]).read()
if "\t" in text:
    sys.exit("a tab in " + sys.argv[1])
for word in ("on:", "permissions:", "concurrency:", "jobs:"):
    if not re.search(r"^%s" % word, text, re.M):
        sys.exit("no %s in the workflow" % word)
# Values of the event go through the environment, never into a script.
bad = n = 0
for match in re.finditer(r"^( *)(?:- )?run: (.*)\n((?:\1   *.*\n|\n)*)", text, re.M):
    script = match[3] if match[2] == "|" else match[2]
    if "${{" in script:
        sys.exit("an expression inside a script: " + script)
    n += 1
    bad |= subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True).returncode
sys.exit(bad or n < 4)
PYTHON
pass "${#units[@]} units, a crontab, a workflow"
