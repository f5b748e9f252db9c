/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* libFuzzer's stand-in for ordinary builds: runs LLVMFuzzerTestOneInput() over the files of a
 * folder, then over mutations of them that a generator of our own makes, the same in every run. It
 * finds no new paths as libFuzzer does; it makes sure that what was found stays mended, in every
 * build and under every sanitizer. Usage: fuzz_NAME CORPUS [ROUNDS [SEED]], or fuzz_NAME FILE to
 * replay one input. */
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Mutations in one run: under five seconds with sanitizers. */
#define ROUNDS 20000
#define INPUTS_MAX 512
#define INPUT_BYTES_MAX (64 * 1024)

/* How many mutations one input gets at most. */
#define STEPS_MAX 4

struct input {
    uint8_t *bytes;
    size_t len;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;
static uint64_t random_state = 0x9e3779b97f4a7c15;

/* xorshift64: good enough to choose bytes, and the same everywhere. */
static size_t
below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return limit > 0 ? (size_t)(random_state >> 11) % limit : 0;
}

static void
die(const char *what, const char *name)
{
    (void)fprintf(stderr, "fuzz: %s: %s\n", what, name);
    exit(EXIT_FAILURE);
}

static void
load(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    if (file == NULL || bytes == NULL || input_count == INPUTS_MAX) {
        die("cannot load", path);
    }
    inputs[input_count] = (struct input){ bytes, fread(bytes, 1, INPUT_BYTES_MAX, file) };
    input_count++;
    (void)fclose(file);
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names, so that a seed means the same on every file system. */
static void
load_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        load(path);
        free(entries[i]);
    }
    free(entries);
}

/* An input in a block of exactly its size: AddressSanitizer sees a byte too far. */
static void
run(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL) {
        die("out of memory", "run");
    }
    memcpy(exact, bytes, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void
flip_bit(struct input *input)
{
    if (input->len > 0) {
        input->bytes[below(input->len)] ^= (uint8_t)(1U << below(8));
    }
}

/* A byte that parsers care about in the place of another. */
static void
set_byte(struct input *input)
{
    static const uint8_t telling[] = "\0\xff\x80\x7f\"\\{}[](),:;=/#@.-+eE0123456789 \n\tu";
    if (input->len > 0) {
        size_t choice = below(2 * sizeof telling);
        uint8_t byte = choice < sizeof telling ? telling[choice] : (uint8_t)below(256);
        input->bytes[below(input->len)] = byte;
    }
}

static void
cut_out(struct input *input)
{
    size_t start = below(input->len + 1);
    size_t len = below(input->len - start + 1);
    memmove(input->bytes + start, input->bytes + start + len, input->len - start - len);
    input->len -= len;
}

/* Make room at a random place; false when there is none. */
static bool
open_gap(struct input *input, size_t len, size_t *out_place)
{
    if (input->len + len > INPUT_BYTES_MAX) {
        return false;
    }
    *out_place = below(input->len + 1);
    memmove(input->bytes + *out_place + len, input->bytes + *out_place, input->len - *out_place);
    input->len += len;
    return true;
}

/* A piece of any input of the corpus between two bytes. */
static void
splice(struct input *input)
{
    const struct input *other = &inputs[below(input_count)];
    size_t start = below(other->len + 1);
    size_t len = below(other->len - start + 1);
    size_t place;
    if (open_gap(input, len, &place)) {
        memcpy(input->bytes + place, other->bytes + start, len);
    }
}

/* One piece of the input many times: depth, length, counts. */
static void
repeat(struct input *input)
{
    uint8_t piece[16];
    size_t len = 1 + below(sizeof piece);
    size_t start = below(input->len + 1);
    len = len < input->len - start ? len : input->len - start;
    memcpy(piece, input->bytes + start, len);
    size_t times = 1 + below(200);
    size_t place;
    if (open_gap(input, len * times, &place)) {
        for (size_t i = 0; i < times; i++) {
            memcpy(input->bytes + place + i * len, piece, len);
        }
    }
}

static void
mutate(struct input *input)
{
    static void (*const ways[])(struct input *) = { flip_bit, set_byte, set_byte,
                                                    cut_out,  splice,   repeat };
    for (size_t steps = 1 + below(STEPS_MAX); steps > 0; steps--) {
        ways[below(sizeof ways / sizeof ways[0])](input);
    }
}

int
main(int argc, char **argv)
{
    struct stat status;
    if (argc < 2 || stat(argv[1], &status) != 0) {
        die("wants a corpus folder or a file", argc < 2 ? "nothing given" : argv[1]);
    }
    bool is_folder = S_ISDIR(status.st_mode);
    if (is_folder) {
        load_folder(argv[1]);
    } else {
        load(argv[1]);
    }
    if (input_count == 0) {
        die("no inputs in", argv[1]);
    }
    size_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : is_folder ? ROUNDS : 0;
    random_state ^= argc > 3 ? strtoull(argv[3], NULL, 10) << 1 : 0;
    for (size_t i = 0; i < input_count; i++) {
        run(inputs[i].bytes, inputs[i].len);
    }
    run(inputs[0].bytes, 0);
    struct input scratch = { malloc(INPUT_BYTES_MAX), 0 };
    if (scratch.bytes == NULL) {
        die("out of memory", "main");
    }
    for (size_t i = 0; i < rounds; i++) {
        const struct input *seed = &inputs[below(input_count)];
        memcpy(scratch.bytes, seed->bytes, seed->len);
        scratch.len = seed->len;
        mutate(&scratch);
        run(scratch.bytes, scratch.len);
    }
    (void)printf("fuzz: %zu inputs and %zu mutations, no complaint\n", input_count, rounds);
    free(scratch.bytes);
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].bytes);
    }
    return EXIT_SUCCESS;
}
