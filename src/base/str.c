/* Appending to a fixed piece of memory; see str.h for what happens at its end. */
#include "base/str.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct zap_str zap_str_init(char *data, size_t size)
{
    ZAP_CHECK_CMP(size, >=, 1);
    data[0] = '\0';
    return (struct zap_str){.data = data, .size = size};
}

void zap_str_add_bytes(struct zap_str *str, const char *bytes, size_t len)
{
    size_t room = str->size - 1 - str->len;
    if (len > room) {
        len = room;
        str->cut = true;
    }
    memcpy(str->data + str->len, bytes, len);
    str->len += len;
    str->data[str->len] = '\0';
}

void zap_str_add(struct zap_str *str, const char *text)
{
    zap_str_add_bytes(str, text, strlen(text));
}

void zap_str_printf(struct zap_str *str, const char *fmt, ...)
{
    size_t room = str->size - str->len;
    va_list args;
    va_start(args, fmt);
    int wrote = vsnprintf(str->data + str->len, room, fmt, args);
    va_end(args);
    ZAP_CHECK_CMP(wrote, >=, 0);
    if ((size_t)wrote >= room) {
        str->len = str->size - 1;
        str->cut = true;
    } else {
        str->len += (size_t)wrote;
    }
}
