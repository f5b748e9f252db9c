/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* What a thread of the pool does that finds no job, and how it is woken without a lost wake-up.
 *
 * It looks out for a moment, then says in `sleepers` that it sleeps, looks once more, and sleeps on
 * `epoch`. Whoever brings work pushes it, then looks at `sleepers`. Both sides are sequentially
 * consistent, so one of them sees the other.
 *
 * A burst of quick work wakes one thread, not one for each job: `look_out` stays set until that
 * thread has looked, and it passes the word on while work is left. Each slow job wakes one for
 * itself, since whoever takes it is at it for long, and the next one would begin a wake-up later.
 * Where the others run the queue dry faster than one more thread could help, it only watches that
 * this goes on: jobs of a tenth of a microsecond are done sooner on one processor than torn between
 * two. */

#include "daemon/exec/pool_int.h"

#include <sched.h>

#include "daemon/base/clock.h"
#include "daemon/base/futex.h"
#include "daemon/base/spin.h"

/* The others run the queue dry when they take more jobs than this while a thread that was woken
 * pauses once, which is about a microsecond; or half as many a microsecond while it watches. */
#define DRY_JOBS 4
#define WATCH_US 50
#define DRY_JOBS_WATCHED (DRY_JOBS * WATCH_US / 2)

static bool
has_slow_work(const struct pool *pool)
{
    return ring_has_items(&pool->slow) &&
           atomic_load_explicit(&pool->slow_running, memory_order_seq_cst) < pool->slow_max;
}

bool
pool_has_work(const struct pool *pool)
{
    return ring_has_items(&pool->quick) || has_slow_work(pool);
}

bool
pool_is_over(const struct pool *pool)
{
    return atomic_load_explicit(&pool->ending, memory_order_seq_cst) &&
           !ring_has_items(&pool->quick) && !ring_has_items(&pool->slow);
}

static bool
are_all_asleep(const struct pool *pool)
{
    return atomic_load_explicit(&pool->sleepers, memory_order_seq_cst) >=
           atomic_load_explicit(&pool->threads, memory_order_relaxed);
}

bool
pool_wants_hands(const struct pool *pool)
{
    return !atomic_load_explicit(&pool->look_out, memory_order_seq_cst) &&
           (!atomic_load_explicit(&pool->watching, memory_order_seq_cst) || are_all_asleep(pool));
}

static bool
has_sleeper(const struct pool *pool)
{
    return atomic_load_explicit(&pool->sleepers, memory_order_seq_cst) > 0;
}

static void
wake_sleeper(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_seq_cst);
    futex_wake(&pool->epoch, 1);
}

/* Nobody is about to look any more. An exchange, so that the pushes of those who saw it set are
 * seen by the next look. */
static void
end_look_out(struct pool *pool)
{
    (void)atomic_exchange_explicit(&pool->look_out, false, memory_order_seq_cst);
}

/* A sleeper that is still counted once `look_out` is set ends it on its way. With none left it is
 * ended here, or nobody would ever be woken or started again. */
bool
pool_wake_one(struct pool *pool)
{
    if (!has_sleeper(pool)) {
        return false;
    }
    if (atomic_exchange_explicit(&pool->look_out, true, memory_order_seq_cst)) {
        return true;
    }
    if (!has_sleeper(pool)) {
        end_look_out(pool);
        return false;
    }
    wake_sleeper(pool);
    return true;
}

bool
pool_wake_another(struct pool *pool)
{
    if (!has_sleeper(pool)) {
        return false;
    }
    wake_sleeper(pool);
    return true;
}

void
pool_wake_all(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_seq_cst);
    futex_wake(&pool->epoch, FUTEX_ALL);
}

static size_t
taken_while_pausing(const struct pool *pool)
{
    size_t before = ring_popped(&pool->quick);
    spin_pause();
    return ring_popped(&pool->quick) - before;
}

static size_t
taken_while_sleeping(struct pool *pool)
{
    size_t before = ring_popped(&pool->quick);
    uint32_t epoch = atomic_load_explicit(&pool->epoch, memory_order_seq_cst);
    futex_sleep(&pool->epoch, epoch, clock_deadline_us(WATCH_US));
    return ring_popped(&pool->quick) - before;
}

/* Before a thread that was woken joins the others: watch as long as that is better. One does. It
 * still counts as a sleeper, so when all the others sleep it is woken like any. */
static void
watch(struct pool *pool)
{
    if (are_all_asleep(pool) || has_slow_work(pool) || taken_while_pausing(pool) <= DRY_JOBS ||
        atomic_exchange_explicit(&pool->watching, true, memory_order_seq_cst)) {
        return;
    }
    end_look_out(pool);
    while (taken_while_sleeping(pool) > DRY_JOBS_WATCHED && !are_all_asleep(pool) &&
           !has_slow_work(pool)) {
    }
    atomic_store_explicit(&pool->watching, false, memory_order_seq_cst);
}

/* Say that this thread sleeps, look once more, sleep. */
static void
sleep_for_work(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->sleepers, 1, memory_order_seq_cst);
    uint32_t epoch = atomic_load_explicit(&pool->epoch, memory_order_seq_cst);
    end_look_out(pool);
    if (pool_has_work(pool)) {
        sched_yield(); /* perhaps to the thread that is about to write it into its cell */
    } else if (!pool_is_over(pool)) {
        futex_sleep(&pool->epoch, epoch, CLOCK_NEVER);
        watch(pool);
    }
    atomic_fetch_sub_explicit(&pool->sleepers, 1, memory_order_seq_cst);
    /* A wake-up that was meant for this thread is spent: the next job needs one of its own. */
    end_look_out(pool);
}

/* Look out for a moment, unless another does. False: there was nothing. */
static bool
look_out(struct pool *pool)
{
    unsigned rounds = 0;
    if (atomic_exchange_explicit(&pool->look_out, true, memory_order_seq_cst)) {
        return false;
    }
    while (spin_on(&rounds)) {
        if (pool_has_work(pool) || pool_is_over(pool)) {
            end_look_out(pool);
            return true;
        }
    }
    return false; /* sleep_for_work() ends it, once the pool counts one sleeper more */
}

void
pool_idle(struct pool *pool)
{
    if (!look_out(pool)) {
        sleep_for_work(pool);
    }
}
