/*
 * Comparisons of plain strings and the nearest-word search behind "did you mean".
 */
#include "base/str.h"

#include <string.h>

/* Words longer than this are never suggested. */
#define WORD_MAX 64

bool str_eq(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
    return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t len = s != NULL ? strlen(s) : 0;
    size_t suffix_len = strlen(suffix);

    return s != NULL && len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

bool str_empty(const char *s)
{
    return s == NULL || *s == '\0';
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance; both lengths are at most WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);

            diagonal = row[j];
            row[j] = min_of(replaced, min_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

const char *str_closest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    size_t best = 2 + len / 3; /* one more than allowed */
    const char *ret = NULL;

    if (len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t candidate_len = strlen(candidates[i]);
        size_t distance = candidate_len <= WORD_MAX
                              ? edit_distance(word, len, candidates[i], candidate_len)
                              : best;

        if (distance < best) {
            best = distance;
            ret = candidates[i];
        }
    }
    return ret;
}
