/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Run at build time: writes the tables of charset.h as C, from what iconv() knows. No part of the
 * plugin. A charset that iconv() does not have stops the build. */
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/sites/charset.h"

#define COLUMNS 12

/* The labels are those of the WHATWG's Encoding standard that are met; the name is iconv's. */
static const struct {
    const char *name;
    const char *labels;
    bool has_pairs;
} wanted[] = {
    { "WINDOWS-1252", " windows-1252 cp1252 iso-8859-1 iso8859-1 latin1 latin-1 ", false },
    { "WINDOWS-1250", " windows-1250 cp1250 ", false },
    { "WINDOWS-1251", " windows-1251 cp1251 win-1251 ", false },
    { "WINDOWS-1253", " windows-1253 cp1253 ", false },
    { "WINDOWS-1254", " windows-1254 cp1254 iso-8859-9 latin5 ", false },
    { "WINDOWS-1255", " windows-1255 cp1255 ", false },
    { "WINDOWS-1256", " windows-1256 cp1256 ", false },
    { "WINDOWS-1257", " windows-1257 cp1257 ", false },
    { "WINDOWS-1258", " windows-1258 cp1258 ", false },
    { "ISO-8859-2", " iso-8859-2 iso8859-2 latin2 ", false },
    { "ISO-8859-5", " iso-8859-5 ", false },
    { "ISO-8859-7", " iso-8859-7 ", false },
    { "ISO-8859-8", " iso-8859-8 iso-8859-8-i ", false },
    { "ISO-8859-15", " iso-8859-15 iso8859-15 latin9 ", false },
    { "KOI8-R", " koi8-r koi8 ", false },
    { "KOI8-U", " koi8-u ", false },
    { "CP866", " ibm866 cp866 ", false },
    { "CP874", " windows-874 tis-620 iso-8859-11 ", false },
    { "GBK", " gbk gb2312 gb_2312-80 gb18030 x-gbk cp936 ", true },
    { "BIG5", " big5 big5-hkscs cn-big5 x-x-big5 ", true },
    { "CP932", " shift_jis shift-jis sjis windows-31j ms_kanji x-sjis ", true },
    { "EUC-JP", " euc-jp x-euc-jp ", true },
    { "CP949", " euc-kr ks_c_5601-1987 ksc5601 cp949 windows-949 ", true },
};

#define WANTED_COUNT (sizeof(wanted) / sizeof(wanted[0]))

/* What the bytes mean; 0: nothing, or nothing that 16 bits hold. */
static uint16_t
meaning(iconv_t converter, const unsigned char *bytes, size_t len)
{
    char in[2] = { (char)bytes[0], len > 1 ? (char)bytes[1] : '\0' };
    unsigned char out[8];
    char *from = in;
    char *to = (char *)out;
    size_t in_left = len;
    size_t out_left = sizeof(out);
    (void)iconv(converter, NULL, NULL, NULL, NULL);
    size_t result = iconv(converter, &from, &in_left, &to, &out_left);
    (void)iconv(converter, NULL, NULL, &to, &out_left); /* some hold a character back */
    bool is_one = result != (size_t)-1 && in_left == 0 && sizeof(out) - out_left == 2;
    return (uint16_t)(is_one ? out[0] << 8 | out[1] : 0);
}

static void
write_number(unsigned number, size_t index)
{
    printf("%s%u,", index % COLUMNS == 0 ? "\n    " : " ", number);
}

static void
write_single(iconv_t converter, size_t index)
{
    printf("static const uint16_t single_%zu[] = {", index);
    for (unsigned i = 0; i < 128; i++) {
        const unsigned char byte[1] = { (unsigned char)(0x80 + i) };
        write_number(meaning(converter, byte, 1), i);
    }
    printf("\n};\n");
}

static void
write_pairs(iconv_t converter, size_t index)
{
    printf("static const uint16_t pairs_%zu[] = {", index);
    for (unsigned i = 0; i < CHARSET_PAIRS; i++) {
        const unsigned char bytes[2] = {
            (unsigned char)(CHARSET_LEAD_MIN + i / CHARSET_TRAILS),
            (unsigned char)(CHARSET_TRAIL_MIN + i % CHARSET_TRAILS),
        };
        write_number(meaning(converter, bytes, 2), i);
    }
    printf("\n};\n");
}

int
main(void)
{
    printf("/* Made by make_charsets.c. */\n#include \"plugins/sites/charset.h\"\n");
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        iconv_t converter = iconv_open("UTF-16BE", wanted[i].name);
        if (converter == (iconv_t)-1) {
            fprintf(stderr, "iconv does not know %s\n", wanted[i].name);
            return EXIT_FAILURE;
        }
        write_single(converter, i);
        if (wanted[i].has_pairs) {
            write_pairs(converter, i);
        }
        (void)iconv_close(converter);
    }
    printf("const struct charset charsets[] = {\n");
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        printf("    { \"%s\", single_%zu, ", wanted[i].labels, i);
        if (wanted[i].has_pairs) {
            printf("pairs_%zu },\n", i);
        } else {
            printf("NULL },\n");
        }
    }
    printf("};\nconst size_t charset_count = %zu;\n", WANTED_COUNT);
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
