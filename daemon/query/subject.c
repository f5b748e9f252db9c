/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Subjects, judged and normalised. Pure, no state; the daemon's only door to libidn2 and
 * libunistring. What comes in is a stranger's bytes, so length and UTF-8 are judged before any
 * library sees them. */
#include "daemon/query/subject.h"

#include <string.h>

#include <idn2.h>
#include <stdlib.h>
#include <uninorm.h>

#include "daemon/base/utf8.h"
#include "rollcall/plugin.h"

/* A text before it is known to fit. */
struct span {
    const char *text;
    size_t len;
};

/* ---- Characters --------------------------------------------------------- */

struct code_range {
    uint32_t first;
    uint32_t last;
};

/* What never stands in a name: it cannot be seen, or it changes the order in which the rest is. */
static const struct code_range invisible[] = {
    { 0x0000, 0x001f }, /* C0 controls */
    { 0x007f, 0x009f }, /* delete, C1 controls */
    { 0x061c, 0x061c }, /* Arabic letter mark */
    { 0x200e, 0x200f }, /* left-to-right and right-to-left mark */
    { 0x2028, 0x202e }, /* line and paragraph separator, bidi embeddings and overrides */
    { 0x2066, 0x2069 }, /* bidi isolates */
    { 0xfeff, 0xfeff }, /* byte order mark */
};

static bool
is_invisible(uint32_t code_point)
{
    for (size_t i = 0; i < ARRAY_LEN(invisible); i++) {
        if (code_point >= invisible[i].first && code_point <= invisible[i].last) {
            return true;
        }
    }
    return false;
}

static bool
has_invisible(struct span span)
{
    size_t at = 0;
    while (at < span.len) {
        uint32_t code_point = 0;
        at += utf8_decode((const uint8_t *)span.text + at, span.len - at, &code_point);
        if (is_invisible(code_point)) {
            return true;
        }
    }
    return false;
}

/* RFC 5322 atext; RFC 6531 adds all that is not ASCII. */
static bool
is_atext(char c)
{
    bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alnum || (unsigned char)c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Copy `span` in NFC and a NUL; `max` bytes at most. */
static int
copy_nfc(struct span span, const char *what, size_t max, char *out, struct error_text *why)
{
    size_t len = 0;
    uint8_t *normal = u8_normalize(UNINORM_NFC, (const uint8_t *)span.text, span.len, NULL, &len);
    if (normal == NULL) {
        return ERROR_NOMEM;
    }
    int error = ERROR_OK;
    if (len > max) {
        error = error_say(why, ERROR_INVALID,
                          "subject: %s is %zu bytes long, at most %zu are "
                          "allowed",
                          what, len, max);
    } else {
        memcpy(out, normal, len);
        out[len] = '\0';
    }
    free(normal);
    return error;
}

/* ---- Addresses ---------------------------------------------------------- */

/* What NFC made of it: a few characters that are not ASCII become ones that are, U+037E a ';'. */
static int
judge_local(struct span local, struct error_text *why)
{
    if (local.text[0] == '"') {
        return error_say(why, ERROR_INVALID, "subject: a quoted part before the '@' is not taken");
    }
    for (size_t i = 0; i < local.len; i++) {
        char c = local.text[i];
        bool lonely_dot = c == '.' && (i == 0 || i + 1 == local.len || local.text[i + 1] == '.');
        if (lonely_dot) {
            return error_say(why, ERROR_INVALID,
                             "subject: a dot before the '@' stands between two other characters");
        }
        if (c == '@') {
            return error_say(why, ERROR_INVALID, "subject: there is more than one '@'");
        }
        if (c != '.' && !is_atext(c)) {
            return error_say(why, ERROR_INVALID,
                             "subject: before the '@' only letters, digits, dots and "
                             "!#$%%&'*+-/=?^_`{|}~ may stand");
        }
    }
    return ERROR_OK;
}

bool
subject_is_label(const char *text, size_t len)
{
    if (len == 0 || len > SUBJECT_LABEL_BYTES_MAX || text[0] == '-' || text[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && c != '-') {
            return false;
        }
    }
    return true;
}

static bool
is_number(const char *text)
{
    return strspn(text, "0123456789") == strlen(text);
}

/* An A-label domain: LDH labels, two at least, the last one not a number. */
static int
judge_labels(const char *domain, struct error_text *why)
{
    const char *label = domain;
    for (const char *dot = strchr(label, '.'); dot != NULL; dot = strchr(label, '.')) {
        if (!subject_is_label(label, (size_t)(dot - label))) {
            return error_say(why, ERROR_INVALID,
                             "subject: the domain has a label that is not 1 to "
                             "%d letters, digits and inner hyphens",
                             SUBJECT_LABEL_BYTES_MAX);
        }
        label = dot + 1;
    }
    if (*label == '\0') {
        return error_say(why, ERROR_INVALID, "subject: the domain ends with a dot");
    }
    if (!subject_is_label(label, strlen(label))) {
        return error_say(why, ERROR_INVALID,
                         "subject: the domain's last label is not 1 to %d "
                         "letters, digits and inner hyphens",
                         SUBJECT_LABEL_BYTES_MAX);
    }
    if (label == domain) {
        return error_say(why, ERROR_INVALID, "subject: the domain has no dot in it");
    }
    if (is_number(label)) {
        return error_say(why, ERROR_INVALID, "subject: an address of numbers is not a domain");
    }
    return ERROR_OK;
}

/* The domain as lower-case A-labels (UTS 46, non-transitional). */
static int
copy_domain(struct span domain, char *out, size_t max, struct error_text *why)
{
    char text[SUBJECT_INPUT_BYTES_MAX + 1];
    memcpy(text, domain.text, domain.len);
    text[domain.len] = '\0';
    if (text[0] == '[') {
        return error_say(why, ERROR_INVALID, "subject: an IP address in brackets is not a domain");
    }
    char *ascii = NULL;
    int code = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (code == IDN2_MALLOC) {
        return ERROR_NOMEM;
    }
    if (code != IDN2_OK) {
        return error_say(why, ERROR_INVALID, "subject: the domain is not a host name: %s",
                         idn2_strerror(code));
    }
    int error = ERROR_OK;
    size_t len = strlen(ascii);
    if (len == 0) {
        error = error_say(why, ERROR_INVALID, "subject: nothing stands behind the '@'");
    } else if (len > max || len > SUBJECT_DOMAIN_BYTES_MAX) {
        error = error_say(why, ERROR_INVALID,
                          "subject: the address is too long, at most %d bytes "
                          "are allowed, %d of them for the domain",
                          SUBJECT_EMAIL_BYTES_MAX, SUBJECT_DOMAIN_BYTES_MAX);
    } else if ((error = judge_labels(ascii, why)) == ERROR_OK) {
        memcpy(out, ascii, len + 1);
    }
    idn2_free(ascii);
    return error;
}

static size_t
last_at(struct span text)
{
    size_t at = text.len;
    while (at > 0 && text.text[at - 1] != '@') {
        at--;
    }
    return at == 0 ? text.len : at - 1;
}

static int
parse_email(struct span text, struct subject *subject, struct error_text *why)
{
    size_t at = last_at(text);
    if (at == text.len) {
        return error_say(why, ERROR_INVALID, "subject: an e-mail address has an '@' in it");
    }
    if (at == 0) {
        return error_say(why, ERROR_INVALID, "subject: nothing stands before the '@'");
    }
    struct span local = { text.text, at };
    int error =
        copy_nfc(local, "the part before the '@'", SUBJECT_LOCAL_BYTES_MAX, subject->value, why);
    if (error == ERROR_OK) {
        subject->at = strlen(subject->value);
        error = judge_local((struct span){ subject->value, subject->at }, why);
    }
    if (error != ERROR_OK) {
        return error;
    }
    subject->value[subject->at] = '@';
    struct span domain = { text.text + at + 1, text.len - at - 1 };
    return copy_domain(domain, subject->value + subject->at + 1,
                       SUBJECT_EMAIL_BYTES_MAX - subject->at - 1, why);
}

/* ---- Names -------------------------------------------------------------- */

static int
parse_username(struct span text, struct subject *subject, struct error_text *why)
{
    if (text.text[0] == '@') {
        text = (struct span){ text.text + 1, text.len - 1 };
    }
    if (text.len == 0) {
        return error_say(why, ERROR_INVALID, "subject: a lone '@' is no name");
    }
    if (text.text[0] == ' ' || text.text[text.len - 1] == ' ') {
        return error_say(why, ERROR_INVALID, "subject: a name begins and ends with no space");
    }
    return copy_nfc(text, "the name", SUBJECT_USERNAME_BYTES_MAX, subject->value, why);
}

/* ---- Both --------------------------------------------------------------- */

static int
judge_text(struct span text, struct error_text *why)
{
    if (text.len == 0) {
        return error_say(why, ERROR_INVALID, "subject: is empty");
    }
    if (text.len > SUBJECT_INPUT_BYTES_MAX) {
        return error_say(why, ERROR_INVALID,
                         "subject: is %zu bytes long, at most %d are allowed for a name, %d for an "
                         "address",
                         text.len, SUBJECT_USERNAME_BYTES_MAX, SUBJECT_EMAIL_BYTES_MAX);
    }
    if (!utf8_is_valid(text.text, text.len)) {
        return error_say(why, ERROR_INVALID, "subject: is not well-formed UTF-8");
    }
    if (has_invisible(text)) {
        return error_say(why, ERROR_INVALID,
                         "subject: has control characters or marks that cannot be seen");
    }
    return ERROR_OK;
}

static int32_t
tell_kind(struct span text)
{
    bool has_at = memchr(text.text + 1, '@', text.len - 1) != NULL;
    return has_at ? ROLLCALL_EMAIL : ROLLCALL_USERNAME;
}

int
subject_parse(const char *text, size_t len, int32_t kind, struct subject *out_subject,
              struct error_text *why)
{
    struct span span = { text, len };
    int error = judge_text(span, why);
    if (error != ERROR_OK) {
        return error;
    }
    struct subject subject = { .kind = kind == 0 ? tell_kind(span) : kind };
    error = subject.kind == ROLLCALL_EMAIL ? parse_email(span, &subject, why)
                                           : parse_username(span, &subject, why);
    if (error == ERROR_OK) {
        *out_subject = subject;
    }
    return error;
}

const char *
subject_domain(const struct subject *subject)
{
    return subject->kind == ROLLCALL_EMAIL ? subject->value + subject->at + 1 : "";
}

bool
subject_equal(const struct subject *a, const struct subject *b)
{
    return a->kind == b->kind && strcmp(a->value, b->value) == 0;
}

const char *
subject_kind_name(int32_t kind)
{
    return kind == ROLLCALL_EMAIL ? "email" : kind == ROLLCALL_USERNAME ? "username" : "";
}

int32_t
subject_kind_parse(const char *word)
{
    if (strcmp(word, "email") == 0) {
        return ROLLCALL_EMAIL;
    }
    return strcmp(word, "username") == 0 ? ROLLCALL_USERNAME : 0;
}
