/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A library that a plugin is linked with and that is not where the plugin looks for it. */
__attribute__((visibility("default"))) int helper_of_a_library(void);

int
helper_of_a_library(void)
{
    return 0;
}
