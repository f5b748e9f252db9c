/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A table of options, read left to right. A value stands behind its option or after '='. What is
 * not in the table is refused, so that a slip of the hand is not taken for a default. */
#include "daemon/app/options.h"

#include <string.h>

#include "daemon/app/tools.h"
#include "daemon/conf/conf.h"

typedef int option_fn(struct options *options, const char *value, struct error_text *why);

static int
add_override(struct options *options, const char *value, struct error_text *why)
{
    if (options->override_count == OPTIONS_OVERRIDES_MAX) {
        return error_say(why, ERROR_TOO_BIG, "-o: given more than %d times", OPTIONS_OVERRIDES_MAX);
    }
    options->overrides[options->override_count++] = value;
    return ERROR_OK;
}

static int
set_config(struct options *options, const char *value, struct error_text *why)
{
    if (options->config != NULL) {
        return error_say(why, ERROR_INVALID, "--config: given twice");
    }
    options->config = value;
    return ERROR_OK;
}

static int
set_log_level(struct options *options, const char *value, struct error_text *why)
{
    if (options->log_level[0] != '\0') {
        return error_say(why, ERROR_INVALID, "--log-level: given twice");
    }
    if (strlen(value) > 16) {
        return error_say(why, ERROR_INVALID,
                         "--log-level: found \"%.32s\", wants error, warning, info or debug",
                         value);
    }
    (void)snprintf(options->log_level, sizeof(options->log_level), "log_level=%s", value);
    return add_override(options, options->log_level, why);
}

static int
set_check(struct options *options, const char *value, struct error_text *why)
{
    (void)value;
    (void)why;
    options->only_checks = true;
    return ERROR_OK;
}

static int
set_help(struct options *options, const char *value, struct error_text *why)
{
    (void)value;
    (void)why;
    options->wants_help = true;
    return ERROR_OK;
}

static int
set_version(struct options *options, const char *value, struct error_text *why)
{
    (void)value;
    (void)why;
    options->wants_version = true;
    return ERROR_OK;
}

static const struct option {
    const char *name;
    const char *value; /* what it is called in the help; NULL: takes none */
    option_fn *set;
    const char *sentence;
} table[] = {
    { "--config", "FILE", set_config,
      "The configuration; else /etc/rollcall/rollcalld.conf where there is one." },
    { "--check-config", NULL, set_check, "Only judge the configuration." },
    { "-o", "KEY=VALUE", add_override,
      "Set a key over the file's value, e.g. -o plugin.github.rate=10/min." },
    { "--log-level", "LEVEL", set_log_level, "error, warning, info or debug." },
    { "--help", NULL, set_help, "This text." },
    { "--version", NULL, set_version, "The version." },
};

/* Whether `argument` is the option `name`, alone or with "=value". */
static bool
is_option(const char *argument, const char *name)
{
    size_t len = strlen(name);
    return strncmp(argument, name, len) == 0 && (argument[len] == '\0' || argument[len] == '=');
}

static const struct option *
find(const char *argument)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (is_option(argument, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

int
options_parse(int argc, char **argv, struct options *out_options, struct error_text *why)
{
    *out_options = (struct options){ 0 };
    for (int i = 1; i < argc; i++) {
        const struct option *option = find(argv[i]);
        if (option == NULL) {
            return error_say(why, ERROR_INVALID, "\"%.64s\": no such option or command; see --help",
                             argv[i]);
        }
        const char *value = argv[i][strlen(option->name)] == '=' ? strchr(argv[i], '=') + 1 : NULL;
        if (option->value == NULL && value != NULL) {
            return error_say(why, ERROR_INVALID, "%s: takes no value", option->name);
        }
        if (option->value != NULL && value == NULL) {
            value = i + 1 < argc ? argv[++i] : NULL;
        }
        if (option->value != NULL && (value == NULL || value[0] == '\0')) {
            return error_say(why, ERROR_INVALID, "%s: wants a value: %s", option->name,
                             option->value);
        }
        int error = option->set(out_options, value, why);
        if (error != ERROR_OK) {
            return error;
        }
    }
    return ERROR_OK;
}

static void
print_tool(void *context, const char *usage, const char *sentence)
{
    (void)fprintf(context, "  rollcalld %s\n      %s\n", usage, sentence);
}

static void
print_key(void *context, const char *key, const char *type, const char *fallback,
          const char *sentence)
{
    (void)fprintf(context, "  %-23s %s%s%s\n      %s\n", key, type,
                  fallback != NULL ? ", default " : "", fallback != NULL ? fallback : "", sentence);
}

void
options_print_help(FILE *out)
{
    (void)fputs("rollcalld answers whether an e-mail address or a username has an account.\n\n"
                "Usage:\n  rollcalld [OPTION]…\n",
                out);
    tools_print_usage(print_tool, out);
    (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        (void)fprintf(out, "  %s%s%s\n      %s\n", table[i].name, table[i].value != NULL ? " " : "",
                      table[i].value != NULL ? table[i].value : "", table[i].sentence);
    }
    (void)fputs("\nConfiguration keys:\n", out);
    conf_print_keys(print_key, out);
    (void)fputs("\nExit status: 0 after a stop that was asked for, 64 usage, 78 configuration, "
                "1 anything else.\n",
                out);
}
