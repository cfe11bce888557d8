/* Fuzz target: any text as the short forms of ports, volumes, devices, hosts, sizes, durations. */
#include <stdint.h>

#include "fuzz/compose_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text as a single-quoted YAML scalar. */
static void quote(struct buf *out, const uint8_t *data, size_t size)
{
    buf_addc(out, '\'');
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\'')
            buf_addc(out, '\'');
        if (data[i] >= ' ' && data[i] < 0x7f)
            buf_addc(out, (char)data[i]);
    }
    buf_addc(out, '\'');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const attributes[] = {"ports: [%]",   "volumes: [%]",        "devices: [%]",
                                             "expose: [%]",  "extra_hosts: [%]",    "tmpfs: %",
                                             "mem_limit: %", "stop_grace_period: %"};
    AUTO(buf_done) struct buf scalar = BUF_INIT(4096);

    if (size > 512)
        return 0;
    quote(&scalar, data, size);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(8192);
        const char *hole = strchr(attributes[i], '%');
        buf_adds(&text, "services: {a: {image: x, ");
        buf_add(&text, attributes[i], (size_t)(hole - attributes[i]));
        buf_adds(&text, scalar.p);
        buf_addf(&text, "%s}}\nvolumes: {data: }\n", hole + 1);
        load_compose_text(text.p, text.len);
    }
    return 0;
}
