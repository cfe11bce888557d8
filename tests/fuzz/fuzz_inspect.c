/*
 * Every decoder of engine documents on the same input: they must cope with any JSON.
 */
#include "docker/container.h"
#include "docker/events.h"
#include "docker/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void decode_owned(const struct json *doc)
{
    struct ship_error err = {0};
    struct container c = {0};
    struct image i = {0};

    if (container_decode(json_copy(doc), &c, &err) == 0) {
        (void)container_label(&c, "a");
        (void)container_address(&c);
        container_done(&c);
    }
    if (image_decode(json_copy(doc), &i, &err) == 0) {
        (void)image_digest_for(&i, "a");
        image_done(&i);
    }
}

static void decode_borrowed(const struct json *doc)
{
    struct ship_error err = {0};
    struct container_list containers = {0};
    struct image_list images = {0};
    struct container_stats stats;
    struct remote_image remote = {0};
    struct engine_event event;

    container_list_decode(doc, &containers);
    container_list_done(&containers);
    image_list_decode(doc, &images);
    image_list_done(&images);
    container_stats_decode(doc, &stats);
    if (remote_image_decode(doc, &remote, &err) == 0)
        remote_image_done(&remote);
    (void)engine_event_decode(doc, &event);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct ship_error err = {0};
    struct json *doc = json_parse((const char *)data, size, "input", &err);

    if (doc == NULL)
        return 0;
    decode_owned(doc);
    decode_borrowed(doc);
    json_free(doc);
    return 0;
}
