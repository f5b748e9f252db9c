/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Shared objects whose rollcall_plugin_entry is not a descriptor at all. Knows no header of ours,
 * as the author of such a thing would not. */
#include <stdint.h>

#if defined(ENTRY_FUNCTION)
__attribute__((visibility("default"))) int rollcall_plugin_entry(void);
int
rollcall_plugin_entry(void)
{
    return 1;
}
#elif defined(ENTRY_SHORT)
__attribute__((visibility("default"))) const uint32_t rollcall_plugin_entry[2] = { 0x4c4c4352, 1 };
#elif defined(ENTRY_HALF)
/* A correct head that claims more than there is behind it. */
__attribute__((visibility("default")))
const uint32_t rollcall_plugin_entry[8] = { 0x4c4c4352, 1, 128, 0 };
#endif
