/*
 * Runs a fuzz target over files instead of a fuzzer: what the corpus holds
 * stays right, in every build and with every compiler.
 *
 *   fuzz_NAME FILE-OR-DIRECTORY...
 *
 * What can go wrong: the target aborts, and the last line says at which file;
 * or there is no file at all, which is a failure: nothing was proven.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/auto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

#define INPUT_MAX (1024u * 1024)

static int replay_file(const char *path)
{
    AUTO_FREE uint8_t *data = xmalloc(INPUT_MAX);
    FILE *f = fopen(path, "re");

    if (f == NULL) {
        perror(path);
        return -1;
    }
    size_t n = fread(data, 1, INPUT_MAX, f);
    (void)fclose(f);
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    /* To the byte: a read beyond the end is one of another block. */
    AUTO_FREE uint8_t *exact = xmalloc(n ? n : 1);
    for (size_t i = 0; i < n; i++)
        exact[i] = data[i];
    return LLVMFuzzerTestOneInput(exact, n) == 0 ? 1 : -1;
}

/* Number of files, -1 when one failed. */
static int replay(const char *path)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort), done = 0;

    if (count < 0)
        return replay_file(path);
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *file = xasprintf("%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && done >= 0)
            done = replay_file(file) > 0 ? done + 1 : -1;
        free(names[i]);
    }
    free(names);
    return done;
}

int main(int argc, char **argv)
{
    int total = 0;

    if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv) != 0)
        return 1;
    for (int i = 1; i < argc; i++) {
        int done = replay(argv[i]);
        if (done < 0)
            return 1;
        total += done;
    }
    (void)printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
