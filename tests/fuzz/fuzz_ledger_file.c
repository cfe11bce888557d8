/*
 * Fuzz target: a damaged ledger. First byte odd: the rest is the file. Even: the rest is a list of
 * patches (3 bytes of offset, 1 byte of value) over a sound ledger, which reaches deeper. Every
 * read works or fails with a code for damage; a writer may then try its luck.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/ledger_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FILE_MAX (256u * 1024)

static struct fixture *fixture;
static char *sound;
static size_t sound_len;

static void clean_up(void)
{
    void *state = fixture;

    (void)fixture_teardown(&state);
    free(sound);
}

/* libFuzzer's type: NOLINTNEXTLINE(readability-non-const-parameter) */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    void *state = NULL;

    (void)argc;
    (void)argv;
    fixture_must(fixture_setup(&state) == 0, "set up", NULL);
    fixture = state;
    fixture_fill(fixture->l);
    ledger_close(fixture->l);
    fixture->l = NULL;
    sound = fixture_read_file(fixture->path, &sound_len);
    return atexit(clean_up);
}

static void write_patched(const uint8_t *data, size_t size)
{
    AUTO_FREE char *copy = xmalloc(sound_len);

    memcpy(copy, sound, sound_len);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];

        copy[at % sound_len] = (char)data[i + 3];
    }
    fixture_write_file(fixture->path, copy, sound_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ledger_deployment d = fixture_deployment("v9");
    struct ship_error err = {0};
    struct ledger *l;

    if (size == 0 || size > FILE_MAX)
        return 0;
    if (data[0] & 1)
        fixture_write_file(fixture->path, (const char *)data + 1, size - 1);
    else
        write_patched(data + 1, size - 1);
    l = ledger_open(fixture->dir, LEDGER_READ, &err);
    fixture_must(l || fixture_is_damage(&err), "open for reading", &err);
    if (l)
        (void)fixture_read_all(l);
    ledger_close(l);
    l = ledger_open(fixture->dir, LEDGER_WRITE, &err);
    fixture_must(l || fixture_is_damage(&err), "open for writing", &err);
    if (l && ledger_begin(l, &d, &err))
        fixture_must(err.msg[0] != '\0', "begin", &err);
    ledger_close(l);
    return 0;
}
