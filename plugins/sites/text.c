/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* See the header. */
#include "plugins/sites/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/sites/charset.h"

#define LABEL_BYTES 32
#define SNIFF_BYTES 1024 /* where a page says its charset, as browsers look */
#define REPLACEMENT 0xfffd
#define GROWTH 3 /* bytes of UTF-8 for each byte, at most */

/* ---- Which charset ------------------------------------------------------ */

/* The label behind the first "charset=", in lower case between spaces; false: there is none. */
static bool
find_label(const char *text, size_t len, char out[LABEL_BYTES])
{
    static const char word[] = "charset=";
    for (size_t i = 0; i + sizeof(word) <= len; i++) {
        if (strncasecmp(text + i, word, sizeof(word) - 1) != 0) {
            continue;
        }
        size_t used = 0;
        size_t at = i + sizeof(word) - 1;
        at += text[at] == '"' || text[at] == '\'' ? 1 : 0;
        out[used++] = ' ';
        for (; at < len && used + 2 < LABEL_BYTES; at++) {
            char c = text[at] >= 'A' && text[at] <= 'Z' ? (char)(text[at] - 'A' + 'a') : text[at];
            bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
            if (!is_word) {
                break;
            }
            out[used++] = c;
        }
        out[used++] = ' ';
        out[used] = '\0';
        return used > 2;
    }
    return false;
}

enum family { FAMILY_NONE, FAMILY_UTF8, FAMILY_UTF16LE, FAMILY_UTF16BE, FAMILY_TABLE };

struct choice {
    enum family family;
    const struct charset *charset; /* with FAMILY_TABLE */
};

static struct choice
choose(const char *label)
{
    static const struct {
        const char *labels;
        enum family family;
    } families[] = {
        { " utf-8 utf8 us-ascii ascii unicode-1-1-utf-8 ", FAMILY_UTF8 },
        { " utf-16 utf-16le ", FAMILY_UTF16LE },
        { " utf-16be ", FAMILY_UTF16BE },
    };
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strstr(families[i].labels, label) != NULL) {
            return (struct choice){ families[i].family, NULL };
        }
    }
    for (size_t i = 0; i < charset_count; i++) {
        if (strstr(charsets[i].labels, label) != NULL) {
            return (struct choice){ FAMILY_TABLE, &charsets[i] };
        }
    }
    return (struct choice){ FAMILY_NONE, NULL };
}

static struct choice
choose_from(const char *text, size_t len)
{
    char label[LABEL_BYTES];
    return find_label(text, len, label) ? choose(label) : (struct choice){ FAMILY_NONE, NULL };
}

static struct choice
choose_encoding(const char *encoding)
{
    char label[LABEL_BYTES] = " ";
    size_t len = strnlen(encoding, LABEL_BYTES - 3);
    for (size_t i = 0; i < len; i++) {
        char c = encoding[i];
        label[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    label[len + 1] = ' ';
    label[len + 2] = '\0';
    return len > 0 ? choose(label) : (struct choice){ FAMILY_NONE, NULL };
}

/* The length of the well-formed sequence at `at`; 0: there is none. */
static size_t
sequence_len(const unsigned char *at, size_t left)
{
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (len == 0 || at[0] > 0xf4 || len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* How many bytes of ASCII it begins with, eight at a time as far as that goes. */
static size_t
ascii_len(const char *body, size_t len)
{
    size_t done = 0;
    for (uint64_t word; len - done >= sizeof(word); done += sizeof(word)) {
        memcpy(&word, body + done, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (done < len && (unsigned char)body[done] < 0x80) {
        done++;
    }
    return done;
}

/* A body may be cut anywhere, so behind others its last character may be half a one. */
static bool
is_utf8(const char *body, size_t len)
{
    bool has_others = false;
    for (size_t at = ascii_len(body, len); at < len; at += ascii_len(body + at, len - at)) {
        const unsigned char *bytes = (const unsigned char *)body + at;
        size_t step = sequence_len(bytes, len - at);
        if (step == 0) {
            return has_others && len - at < 4 && bytes[0] >= 0xc2 && bytes[0] <= 0xf4;
        }
        has_others = true;
        at += step;
    }
    return true;
}

static struct choice
find_choice(const char *body, size_t len, const char *content_type, const char *encoding)
{
    struct choice choice = { FAMILY_NONE, NULL };
    if (encoding != NULL) {
        choice = choose_encoding(encoding);
    }
    if (choice.family == FAMILY_NONE && content_type != NULL) {
        choice = choose_from(content_type, strlen(content_type));
    }
    if (choice.family == FAMILY_NONE && is_utf8(body, len)) {
        choice.family = FAMILY_UTF8;
    }
    if (choice.family == FAMILY_NONE) {
        choice = choose_from(body, len < SNIFF_BYTES ? len : SNIFF_BYTES);
    }
    return choice.family == FAMILY_NONE ? choose(" windows-1252 ") : choice;
}

/* ---- Decoding ----------------------------------------------------------- */

static char *
put_code(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

static unsigned
pair_code(const struct charset *charset, unsigned lead, unsigned trail)
{
    bool is_pair = charset->pairs != NULL && lead >= CHARSET_LEAD_MIN && lead <= CHARSET_BYTE_MAX &&
                   trail >= CHARSET_TRAIL_MIN && trail <= CHARSET_BYTE_MAX;
    return is_pair
               ? charset
                     ->pairs[(lead - CHARSET_LEAD_MIN) * CHARSET_TRAILS + trail - CHARSET_TRAIL_MIN]
               : 0;
}

static char *
decode_table(const struct charset *charset, const unsigned char *in, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned code = in[i] < 0x80 ? in[i] : charset->single[in[i] - 0x80];
        if (in[i] >= 0x80 && code == 0 && i + 1 < len) {
            code = pair_code(charset, in[i], in[i + 1]);
            i += code != 0;
        }
        out = put_code(out, code != 0 || in[i] == 0 ? code : REPLACEMENT);
    }
    return out;
}

static char *
decode_utf16(bool big, const unsigned char *in, size_t len, char *out)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        unsigned code = big ? (unsigned)in[i] << 8 | in[i + 1] : (unsigned)in[i + 1] << 8 | in[i];
        if (code >= 0xd800 && code <= 0xdbff && i + 3 < len) {
            unsigned low =
                big ? (unsigned)in[i + 2] << 8 | in[i + 3] : (unsigned)in[i + 3] << 8 | in[i + 2];
            bool is_pair = low >= 0xdc00 && low <= 0xdfff;
            code = is_pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : REPLACEMENT;
            i += is_pair ? 2 : 0;
        } else if (code >= 0xd800 && code <= 0xdfff) {
            code = REPLACEMENT;
        }
        out = put_code(out, code);
    }
    return out;
}

static bool
decode(const struct choice *choice, const char *body, size_t len, struct text *out)
{
    out->own = malloc(len * GROWTH + 1);
    if (out->own == NULL) {
        return false;
    }
    const unsigned char *in = (const unsigned char *)body;
    char *end = choice->family == FAMILY_TABLE
                    ? decode_table(choice->charset, in, len, out->own)
                    : decode_utf16(choice->family == FAMILY_UTF16BE, in, len, out->own);
    *end = '\0';
    out->bytes = out->own;
    out->len = (size_t)(end - out->own);
    return true;
}

bool
text_decode(const char *body, size_t len, const char *content_type, const char *encoding,
            struct text *out)
{
    *out = (struct text){ body, len, NULL };
    struct choice choice = find_choice(body, len, content_type, encoding);
    if (choice.family == FAMILY_UTF8 ||
        (choice.family == FAMILY_TABLE && ascii_len(body, len) == len)) {
        return true;
    }
    return decode(&choice, body, len, out);
}

void
text_fini(struct text *text)
{
    free(text->own);
    text->own = NULL;
}
