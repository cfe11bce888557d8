/* See sim_memory.h. */
#include "sim/sim_memory.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

static struct {
    bool is_armed, lasts;
    enum memory_kind kind;
    long at, seen[MEMORY_KINDS];
} memory;

const char *memory_kind_name(enum memory_kind kind)
{
    static const char *const names[MEMORY_KINDS] = {"shipctl, cJSON", "SQLite", "libyaml"};

    return names[kind];
}

void memory_arm(enum memory_kind kind, long at, bool lasts)
{
    memset(&memory, 0, sizeof memory);
    memory.is_armed = true;
    memory.kind = kind;
    memory.at = at;
    memory.lasts = lasts;
}

void memory_disarm(void)
{
    memory.is_armed = false;
}

long memory_seen(enum memory_kind kind)
{
    return memory.seen[kind];
}

/* Does this one fail? */
static bool fails(enum memory_kind kind)
{
    if (!memory.is_armed || sim.depth || sim.is_dead)
        return false;
    long now = memory.seen[kind]++;
    bool hit = kind == memory.kind && memory.at >= 0 &&
               (now == memory.at || (memory.lasts && now > memory.at));
    if (hit && now == memory.at) {
        sim.happened++;
        sim_say("FAULT allocation %ld of %s", now, memory_kind_name(kind));
    }
    return hit;
}

static void ends(enum memory_kind kind)
{
    if (fails(kind))
        sim_crash(false);
}

/* ---- ours: cJSON uses xmalloc ---- */

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    ends(MEMORY_OURS);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    ends(MEMORY_OURS);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    ends(MEMORY_OURS);
    return __real_realloc(p, size);
}

/* ---- libyaml: its calls go through the dynamic symbol table ---- */

__attribute__((visibility("default"))) void *yaml_malloc(size_t size);
__attribute__((visibility("default"))) void *yaml_realloc(void *p, size_t size);
__attribute__((visibility("default"))) char *yaml_strdup(const char *text);

void *yaml_malloc(size_t size)
{
    ends(MEMORY_YAML);
    return __real_malloc(size ? size : 1);
}

void *yaml_realloc(void *p, size_t size)
{
    ends(MEMORY_YAML);
    return __real_realloc(p, size ? size : 1);
}

char *yaml_strdup(const char *text)
{
    ends(MEMORY_YAML);
    return text ? strdup(text) : NULL;
}

/* ---- SQLite ---- */

static sqlite3_mem_methods plain;

static void *sqlite_malloc(int size)
{
    return fails(MEMORY_SQLITE) ? NULL : plain.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
    return fails(MEMORY_SQLITE) ? NULL : plain.xRealloc(p, size);
}

void memory_register(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK)
        abort();
    sqlite3_mem_methods ours_too = plain;
    ours_too.xMalloc = sqlite_malloc;
    ours_too.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours_too) != SQLITE_OK)
        abort();
}
