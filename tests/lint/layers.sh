#!/bin/bash
# The include graph keeps the layers: a file includes only its own folder, shipctl/ headers and
# folders on lower levels; cmd sees shipctl/ only; third-party headers stay where they are wrapped.
# shellcheck source=tests/lint/common.bash
. "$(dirname "$0")/common.bash"

need git sed grep
declare -A level=(
	[base]=0 [yaml]=1 [net]=1 [ledger]=1 [plan]=2 [compose]=2 [docker]=2 [runtime]=3
	[check]=4 [hook]=4 [policy]=4 [notify]=4 [router]=4 [strategy]=5 [deploy]=6
)
# Which lib folders may include a third-party header.
declare -A home=(
	[cjson/]="base" [curl/]="net docker" [sqlite3.h]="ledger" [yaml.h]="yaml"
	[openssl/]="base policy notify docker"
)
problems=0
edges=0

report() {
	echo "$1: $2"
	problems=$((problems + 1))
}

# Project includes of a file, one per line.
quoted() {
	sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]+)".*/\1/p' "$1"
}

# A lib file and one of its includes.
check_lib_include() {
	local file=$1 folder=$2 include=$3 target=${3%%/*}
	case $include in
	shipctl/*) return ;;
	*/*) ;;
	*)
		report "$file" "\"$include\" has no folder: write \"$folder/$include\""
		return
		;;
	esac
	[ "$target" = "$folder" ] && return
	if [ -z "${level[$target]:-}" ]; then
		report "$file" "\"$include\": unknown folder '$target'"
	elif [ "${level[$target]}" -ge "${level[$folder]}" ]; then
		report "$file" "\"$include\": '$target' is not below '$folder'"
	fi
}

check_third_party() {
	local file=$1 folder=$2 header
	for header in "${!home[@]}"; do
		if grep -qE "^[[:space:]]*#[[:space:]]*include[[:space:]]+[<\"]${header//./\\.}" "$file" &&
			[[ " ${home[$header]} " != *" $folder "* ]]; then
			report "$file" "<$header> belongs to: ${home[$header]}"
		fi
	done
	# Types of the libraries, should somebody get at them without the header.
	if [ "$file" != lib/base/json.c ] && grep -qE '\bcJSON\b *\*' "$file"; then
		report "$file" "cJSON outside lib/base/json.c"
	fi
}

need_files 'lib/*.c' 'lib/*.h'
count=${#files[@]}
for file in "${files[@]}"; do
	folder=${file#lib/}
	folder=${folder%%/*}
	[ -n "${level[$folder]:-}" ] || {
		report "$file" "folder '$folder' has no level"
		continue
	}
	while read -r include; do
		edges=$((edges + 1))
		check_lib_include "$file" "$folder" "$include"
	done < <(quoted "$file")
	check_third_party "$file" "$folder"
done

need_files 'include/shipctl/*.h'
count=$((count + ${#files[@]}))
for file in "${files[@]}"; do
	while read -r include; do
		edges=$((edges + 1))
		[[ $include == shipctl/* ]] || report "$file" "\"$include\" is not public"
	done < <(quoted "$file")
	check_third_party "$file" include
done

list_files 'cmd/*.c' 'cmd/*.h'
count=$((count + ${#files[@]}))
for file in ${files[@]+"${files[@]}"}; do
	while read -r include; do
		edges=$((edges + 1))
		[[ $include == shipctl/* || -f cmd/${include#cmd/} ]] ||
			report "$file" "\"$include\": cmd sees only shipctl/"
	done < <(quoted "$file")
	check_third_party "$file" cmd
done

[ "$edges" -gt 0 ] || fail "no include found: the pattern is broken"
[ "$problems" -eq 0 ] || fail "$problems problems"
pass "$count files, $edges includes"
