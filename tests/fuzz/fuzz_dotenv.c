/* Fuzz target: any bytes as a .env file, in both formats. Variables, or one error. */
#include <assert.h>
#include <stdint.h>

#include "compose/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return name[0] == 'H' ? "host" : NULL;
}

static void parse(const uint8_t *data, size_t size, bool raw)
{
    AUTO(vars_done) struct vars vars = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    struct diag diag = {.problems = &problems};
    struct dotenv_lookup look = {.lookup = lookup};
    struct dotenv_source source = {
        .name = ".env", .text = (const char *)data, .len = size, .raw = raw};

    int rc = dotenv_parse(&source, &look, &vars, &diag);
    assert((rc == 0) == (diag.n_errors == 0));
    assert((rc == 0) == (diag.first == COMPOSE_CLASS_none));
    for (size_t i = 0; i < vars.n; i++)
        assert(vars.v[i].name[0] && vars.v[i].value);
    diag_flush(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > DOTENV_BYTES_MAX)
        return 0;
    parse(data, size, false);
    parse(data, size, true);
    return 0;
}
