/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* UTF-8, read by the letter. Pure. */
#include "client/utf8.h"

/* First byte, how many follow, and the least character of that length: shorter is overlong. */
struct form {
    unsigned char mask;
    unsigned char lead;
    size_t length;
    int32_t least;
};

static const struct form forms[] = {
    { 0x80, 0x00, 1, 0 },
    { 0xe0, 0xc0, 2, 0x80 },
    { 0xf0, 0xe0, 3, 0x800 },
    { 0xf8, 0xf0, 4, 0x10000 },
};

static const struct form *
find_form(unsigned char lead)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((lead & forms[i].mask) == forms[i].lead) {
            return &forms[i];
        }
    }
    return NULL;
}

int32_t
utf8_next(const char *text, size_t *out_length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const struct form *form = find_form(bytes[0]);
    *out_length = 1;
    if (form == NULL) {
        return -1;
    }
    int32_t character = bytes[0] & (unsigned char)~form->mask;
    for (size_t i = 1; i < form->length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return -1;
        }
        character = (character << 6) | (bytes[i] & 0x3f);
    }
    bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < form->least || is_surrogate || character > 0x10ffff) {
        return -1;
    }
    *out_length = form->length;
    return character;
}

bool
utf8_is_valid(const char *text)
{
    size_t length = 0;
    for (; *text != '\0'; text += length) {
        if (utf8_next(text, &length) < 0) {
            return false;
        }
    }
    return true;
}

bool
utf8_is_control(int32_t character)
{
    return character < 0x20 || (character >= 0x7f && character <= 0x9f) || character == 0x061c ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}
