# shellcheck shell=bash
# The tables of the fault matrix, from the lines that matrix.bash writes.

# matrix_report TSV...: what was injected, how often, and the result.
matrix_report() {
    printf '| scenario | guardian | injected | calls | points | sound | no command needed | recover | same again | slowest | past deadline |\n'
    printf '|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n'
    awk -F'\t' '
        { key = $1 " | " $2 " | " $3; n[key]++; sum++
          if (!((key, $4) in seen)) { seen[key, $4] = 1; calls[key]++ }
          if ($7 == "ok") { ok[key]++; good++ } else bad[++lost] = "- " key ", call " $4 " `" $5 "`: " $7
          if ($9 > slow[key]) slow[key] = $9
          if ($10 > late[key]) late[key] = $10
          further[key, $6]++ }
        END { for (key in n) printf "| %s | %d | %d | %d | %d | %d | %d | %.1f s | %.1f s |\n", key, calls[key], n[key],
                  ok[key], further[key, "none"], further[key, "recover"], further[key, "again"], slow[key] / 1000, late[key] / 1000 | "sort"
              close("sort")
              printf "\n%d points, %d sound.\n", sum, good
              for (i = 1; i <= lost; i++) print bad[i] }' "$@"
}

# matrix_coverage POINTS...: 'ALL RUN'. Each test counts once, however many parts it was run in.
matrix_coverage() {
    awk '{ parts = split(FILENAME, part, "/"); all[part[parts - 1]] = $1; run += $2 }
        END { for (test in all) sum += all[test]; print sum + 0, run + 0 }' "$@"
}

# matrix_verdicts TSV...: 'SOUND UNSOUND'
matrix_verdicts() {
    awk -F'\t' '$7 == "ok" { good++ } END { print good + 0, NR - good }' "$@"
}
