/* Durations and sizes as Compose writes them (compose_duration_ns, compose_size_bytes: model.h). */
#ifndef SHIP_COMPOSE_UNITS_H
#define SHIP_COMPOSE_UNITS_H

#include <stdint.h>

/* Longest text: "-2562047h47m16.854775808s". */
#define UNITS_DURATION_MAX 32

/* Go's Duration.String(): "1h0m0s", "1m30s", "500ms", "1.5s", "0s". Returns out. */
const char *units_format_duration(int64_t ns, char out[UNITS_DURATION_MAX]);

#endif
