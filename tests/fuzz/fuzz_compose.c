/* Fuzz target: any bytes as a compose file, through the whole loader. */
#include <stdint.h>

#include "fuzz/compose_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 16u * 1024)
        load_compose_text((const char *)data, size);
    return 0;
}
