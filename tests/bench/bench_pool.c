/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The executor beside its peers, in one run: tasks a second from one submitter with results taken
 * as they complete, on 2 and on 8 threads; the round trip of one task, on one core and unpinned;
 * and how much later than its winner a race of tasks that block is decided.
 *
 * Rollcall pays for real futures (state, result, cancel, the order of ends); the peers only hand a
 * pointer back. Each measurement is a process of its own; peers take turns, and the median of the
 * rounds is printed with its ratio. Usage: bench_pool [TASKS] */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/exec/future.h"
#include "daemon/exec/pool.h"
#include "tests/bench/peers.h"

#define TASKS_DEFAULT 1000000
#define ROUNDS 5
#define TRIPS 20000
#define RACES 200

static const struct peer *const peers[] = { &peer_rollcall, &peer_glib, &peer_libuv, &peer_mutex,
                                            &peer_python };
#define PEERS (sizeof(peers) / sizeof(peers[0]))

/* What a measuring child hands back. */
struct outcome {
    double value[2];
};

int64_t
peer_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare_ns(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static int
compare_double(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

static void
pin_to_one_core(void)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
        perror("bench_pool: pinning");
    }
}

enum what { STREAM, TRIP, RACE };

struct plan {
    enum what what;
    unsigned threads; /* of a stream */
    size_t tasks;
    bool pinned; /* to one core */
};

/* The jobs of a race end when they are due: what the kernel adds to a wait by default, 50 us, no
 * executor answers for. Threads and programs that are started from here do the same. */
static void
end_waits_in_time(void)
{
    if (prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) != 0) {
        perror("bench_pool: timers");
    }
}

static bool
takes_part(const struct peer *peer, const struct plan *plan)
{
    return plan->what != RACE || peer->races != NULL;
}

/* The nanoseconds of each of `count` acts, p50 and p99 in microseconds, beyond `floor_ns`. */
static void
measure_each(void (*act)(size_t count, int64_t *out_ns), size_t count, int64_t floor_ns,
             struct outcome *out)
{
    int64_t *each_ns = calloc(count, sizeof(*each_ns));
    act(count, each_ns);
    qsort(each_ns, count, sizeof(*each_ns), compare_ns);
    out->value[0] = (double)(each_ns[count / 2] - floor_ns) / 1000;
    out->value[1] = (double)(each_ns[count * 99 / 100] - floor_ns) / 1000;
    free(each_ns);
}

static void
measure_here(const struct peer *peer, const struct plan *plan, struct outcome *out)
{
    if (plan->pinned) {
        pin_to_one_core();
    }
    switch (plan->what) {
    case STREAM:
        out->value[0] = (double)plan->tasks / (double)peer->stream(plan->threads, plan->tasks);
        break;
    case TRIP:
        measure_each(peer->trips, TRIPS, 0, out);
        break;
    case RACE:
        end_waits_in_time();
        measure_each(peer->races, RACES, PEER_WINNER_MS * INT64_C(1000000), out);
        break;
    }
}

static struct outcome
measure(const struct peer *peer, const struct plan *plan)
{
    struct outcome *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char size[16];
    snprintf(size, sizeof(size), "%u", plan->threads > 0 ? plan->threads : 1);
    setenv("UV_THREADPOOL_SIZE", size, 1);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        measure_here(peer, plan, shared);
        _exit(0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_pool: %s failed\n", peer->name);
        exit(1);
    }
    struct outcome outcome = *shared;
    munmap(shared, sizeof(*shared));
    return outcome;
}

static void
print_row(const struct peer *peer, const struct plan *plan, double median, double p99, double ours)
{
    if (plan->what == STREAM) {
        printf("  %-30s %6.2f M tasks/s   ours is %.2f times that\n", peer->name, median,
               ours / median);
    } else {
        printf("  %-30s p50 %6.1f us  p99 %6.1f us   ours is %.2f times that\n", peer->name, median,
               p99, ours / median);
    }
}

/* Returns our own figure. */
static double
run_plan(const char *title, const struct plan *plan)
{
    double values[PEERS][2][ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < PEERS; i++) {
            if (!takes_part(peers[i], plan)) {
                continue;
            }
            struct outcome outcome = measure(peers[i], plan);
            values[i][0][round] = outcome.value[0];
            values[i][1][round] = outcome.value[1];
        }
    }
    printf("%s\n", title);
    double ours = 0;
    for (size_t i = 0; i < PEERS; i++) {
        if (!takes_part(peers[i], plan)) {
            continue;
        }
        qsort(values[i][0], ROUNDS, sizeof(double), compare_double);
        qsort(values[i][1], ROUNDS, sizeof(double), compare_double);
        double median = values[i][0][ROUNDS / 2];
        ours = i == 0 ? median : ours;
        print_row(peers[i], plan, median, values[i][1][ROUNDS / 2], ours);
    }
    return ours;
}

int
main(int argc, char **argv)
{
    size_t tasks = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : TASKS_DEFAULT;
    tasks = tasks / PEER_WINDOW * PEER_WINDOW;
    if (tasks == 0) {
        fprintf(stderr, "usage: bench_pool [TASKS, at least %d]\n", PEER_WINDOW);
        return 64;
    }
    double two =
        run_plan("2 threads:", &(struct plan){ .what = STREAM, .threads = 2, .tasks = tasks });
    double eight =
        run_plan("8 threads:", &(struct plan){ .what = STREAM, .threads = 8, .tasks = tasks });
    printf("  with 8 threads ours keeps %.0f %% of what it does with 2\n", 100 * eight / two);
    (void)run_plan("round trip, one core:", &(struct plan){ .what = TRIP, .pinned = true });
    (void)run_plan("round trip, unpinned:", &(struct plan){ .what = TRIP });
    (void)run_plan("early return, later than the winner's 10 ms:", &(struct plan){ .what = RACE });
    printf("memory of a pending future: %zu bytes; of a queued job with its future: %zu bytes\n",
           sizeof(struct future), sizeof(struct job));
    return 0;
}
