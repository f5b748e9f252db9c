/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* What may stand in a descriptor, a request or a log line. */
#include "daemon/plugin/text.h"

#include <stdint.h>
#include <string.h>

#include "daemon/base/utf8.h"

static bool
is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

bool
text_is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_control((unsigned char)text[i])) {
            return false;
        }
    }
    return utf8_is_valid(text, len);
}

bool
text_is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; text[i] != '\0'; i++) {
        char c = text[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && strchr(others, c) == NULL) {
            return false;
        }
    }
    return text[0] != '\0';
}

void
text_mend(char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t code_point = 0;
        size_t step = utf8_decode((const uint8_t *)text + i, len - i, &code_point);
        if (step == 0 || is_control((unsigned char)text[i])) {
            text[i] = '?';
            step = 1;
        }
        i += step;
    }
}
