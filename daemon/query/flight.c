/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* A flight is a chain and the seats of those who wait for it. It ends when its chain does, or when
 * nobody sits in it any more. */
#include "daemon/query/flight.h"

#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/query/chain.h"

struct flight {
    struct list node; /* of epoch_flights() */
    struct epoch *epoch;
    struct checker *checker;
    struct subject subject;
    struct list seats;
    bool counting; /* seats are being looked through: do not stop the chain under it */
    struct chain chain;
};

static void
free_flight(struct flight *flight)
{
    list_remove(&flight->node);
    chain_fini(&flight->chain);
    free(flight);
}

static void
land_seat(struct flight_seat *seat, const struct finding *finding, const char *url)
{
    list_remove(&seat->node);
    seat->flight = NULL;
    seat->landed(seat, finding, url);
}

/* The chain is over: no more boarding, then everybody is told. Some may leave meanwhile. */
static void
land(struct chain *chain)
{
    struct flight *flight = CONTAINER_OF(chain, struct flight, chain);
    list_remove(&flight->node);
    flight->counting = true;
    while (!list_is_empty(&flight->seats)) {
        struct flight_seat *seat = LIST_ENTRY(flight->seats.next, struct flight_seat, node);
        land_seat(seat, &chain->finding, chain->url);
    }
    free_flight(flight);
}

static struct finding
finding_of_eta(int64_t eta_us)
{
    int64_t wait_us = eta_us - clock_now_us();
    return finding_rate_limited((wait_us + CLOCK_US_PER_MS - 1) / CLOCK_US_PER_MS);
}

/* Those who would have to wait beyond their deadline are told so at once, rather than waiting for
 * nothing. True when nobody is left. */
static bool
refuse_late(struct chain *chain, int64_t eta_us)
{
    struct flight *flight = CONTAINER_OF(chain, struct flight, chain);
    struct finding finding = finding_of_eta(eta_us);
    struct list seats;
    list_init(&seats);
    list_append_all(&seats, &flight->seats);
    flight->counting = true;
    for (struct list *node = list_pop_front(&seats); node != NULL; node = list_pop_front(&seats)) {
        struct flight_seat *seat = LIST_ENTRY(node, struct flight_seat, node);
        if (seat->deadline_us < eta_us) {
            land_seat(seat, &finding, NULL);
        } else {
            list_push_back(&flight->seats, node);
        }
    }
    flight->counting = false;
    return list_is_empty(&flight->seats);
}

static struct flight *
find(struct list *flights, const struct checker *checker, const struct subject *subject)
{
    LIST_FOR_EACH (node, flights) {
        struct flight *flight = LIST_ENTRY(node, struct flight, node);
        if (flight->checker == checker && subject_equal(&flight->subject, subject)) {
            return flight;
        }
    }
    return NULL;
}

static struct flight *
new_flight(struct epoch *epoch, struct checker *checker, const struct subject *subject)
{
    struct pacing *pacing = epoch_pacing(epoch, checker);
    struct flight *flight = pacing != NULL ? calloc(1, sizeof *flight) : NULL;
    if (flight == NULL) {
        return NULL;
    }
    flight->epoch = epoch;
    flight->checker = checker;
    flight->subject = *subject;
    list_init(&flight->seats);
    list_push_back(epoch_flights(epoch, checker, subject), &flight->node);
    struct chain_task task = { .epoch = epoch,
                               .plugin = checker->plugin,
                               .kind = checker->info->blocking ? CALL_BLOCK : CALL_STEP,
                               .checker = checker,
                               .subject = &flight->subject,
                               .base_url = checker->base_url,
                               .pacing = pacing,
                               .timeout_us = checker->timeout_us };
    chain_init(&flight->chain, &task);
    flight->chain.ended = land;
    flight->chain.is_too_late = refuse_late;
    return flight;
}

static void
sit_down(struct flight *flight, struct flight_seat *seat)
{
    seat->flight = flight;
    list_push_back(&flight->seats, &seat->node);
}

static void
join(struct flight *flight, struct flight_seat *seat)
{
    const struct chain *chain = &flight->chain;
    flight->epoch->flights_joined++;
    if (chain->state == CHAIN_QUEUED && seat->deadline_us < chain->eta_us) {
        struct finding finding = finding_of_eta(chain->eta_us);
        seat->landed(seat, &finding, NULL);
        return;
    }
    sit_down(flight, seat);
}

int
flight_board(struct epoch *epoch, struct checker *checker, const struct subject *subject,
             struct flight_seat *seat)
{
    list_init(&seat->node);
    struct flight *flight = find(epoch_flights(epoch, checker, subject), checker, subject);
    if (flight != NULL) {
        join(flight, seat);
        return ERROR_OK;
    }
    flight = new_flight(epoch, checker, subject);
    if (flight == NULL) {
        return ERROR_NOMEM;
    }
    sit_down(flight, seat);
    chain_begin(&flight->chain);
    return ERROR_OK;
}

void
flight_leave(struct flight_seat *seat)
{
    struct flight *flight = seat->flight;
    if (flight == NULL) {
        return;
    }
    seat->flight = NULL;
    list_remove(&seat->node);
    if (!flight->counting && list_is_empty(&flight->seats)) {
        chain_stop(&flight->chain);
        free_flight(flight);
    }
}
