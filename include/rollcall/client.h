/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/**
 * librollcall: ask a Rollcall daemon from a C program.
 *
 * Two ways: ask and wait (rollcall_client_check), or submit and take results as they complete
 * (rollcall_client_submit, rollcall_client_next, rollcall_client_result).
 *
 *     rollcall_client *client = NULL;
 *     rollcall_answer *answer = NULL;
 *     rollcall_question question = {.subject = "alice@example.com"};
 *     if (rollcall_client_new(NULL, &client) == ROLLCALL_OK &&
 *         rollcall_client_check(client, &question, 0, &answer) == ROLLCALL_OK) {
 *         puts(rollcall_answer_verdict(answer));
 *     }
 *     rollcall_answer_free(answer);
 *     rollcall_client_free(client);
 *
 * THREADS. A client may be used by one thread at a time; use one client a thread. A call blocks
 * until it has an answer, its time is over, or rollcall_client_interrupt() is called, which is the
 * one function that may be called from another thread or a signal handler. An answer does not
 * change: any thread may read it. The library starts threads of its own (nng's), so after a fork()
 * the child must exec before it asks.
 *
 * OWNERS. Everything handed out is freed with the function that its comment names; what a struct
 * points to lives as long as the struct. Texts handed in are copied. Destructors take NULL.
 *
 * ERRORS. Functions return ROLLCALL_OK or a negative code; rollcall_client_error() gives the
 * sentence. What is handed out is untouched on error.
 *
 * LOST CONNECTIONS. A lost connection is dialled again and the call asked again under the same key,
 * so a call is done once however often it travels. A call is given up as UNREACHABLE when there has
 * been no connection for a second (rollcall_client_patience() sets another time), or for five once
 * there had been one; or when more than 64 were lost, and it has lasted as long. A daemon that was
 * restarted has forgotten the queries that were submitted to it: rollcall_client_next() is REFUSED
 * with ROLLCALL_RPC_NO_QUERY, and who cares submits again.
 */
#ifndef ROLLCALL_CLIENT_H
#define ROLLCALL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROLLCALL_API __attribute__((visibility("default")))

enum rollcall_code {
    ROLLCALL_OK = 0,
    ROLLCALL_E_NOMEM = -1,
    ROLLCALL_E_UNREACHABLE = -2, /* no daemon at that address */
    ROLLCALL_E_TIMEOUT = -3,
    ROLLCALL_E_INTERRUPTED = -4,
    ROLLCALL_E_REFUSED = -5,  /* the daemon answered with an error: rollcall_client_rpc_code() */
    ROLLCALL_E_TOO_BIG = -6,  /* the call is over 1 MiB: not sent */
    ROLLCALL_E_PROTOCOL = -7, /* what came back is no answer of a Rollcall daemon */
    ROLLCALL_E_INVALID = -8
};

/* What rollcall_client_rpc_code() can say: JSON-RPC 2.0's codes, then Rollcall's own. */
enum rollcall_rpc_code {
    ROLLCALL_RPC_PARSE_ERROR = -32700,
    ROLLCALL_RPC_INVALID_REQUEST = -32600,
    ROLLCALL_RPC_NO_METHOD = -32601,
    ROLLCALL_RPC_INVALID_PARAMS = -32602,
    ROLLCALL_RPC_INTERNAL = -32603,
    ROLLCALL_RPC_OVERLOADED = -32001,
    ROLLCALL_RPC_NO_QUERY = -32002,
    ROLLCALL_RPC_NOT_PERMITTED = -32003,
    ROLLCALL_RPC_SHUTTING_DOWN = -32004
};

#define ROLLCALL_CALL_BYTES_MAX (1024 * 1024) /* a call; the daemon itself refuses over 256 KiB */
#define ROLLCALL_QUERY_BYTES 32               /* a query's id, NUL included */
#define ROLLCALL_KEY_BYTES 33                 /* 128 bits in hex digits, NUL included */

typedef struct rollcall_client rollcall_client;
typedef struct rollcall_answer rollcall_answer;

/** What to ask; zeroed memory with `subject` set asks the daemon's default. */
typedef struct rollcall_question {
    const char *subject;
    const char *kind;             /* "email", "username" or NULL: told from the subject */
    const char *const *platforms; /* ids or tags, NULL-terminated; NULL: the default set */
    const char *const *exclude;
    const char *catalog;
    int all; /* 1: wait for every platform; 0: the first yes ends it */
    int adult;
    int fresh;
    int explain;
    const char *strategy;
    int64_t timeout_ms;      /* of the query; 0: the daemon's */
    const char *key;         /* names the call; NULL: a fresh rollcall_key() for each */
    const void *reserved[4]; /* NULL: for later minors */
} rollcall_question;

/** One platform's outcome. */
typedef struct rollcall_result {
    const char *platform;
    const char *verdict;    /* "registered", "unregistered", "unknown" */
    const char *reason;     /* with unknown, else NULL */
    const char *evidence;   /* or NULL */
    const char *state;      /* "finished", "cancelled" */
    const char *source;     /* the plugin's or catalogue's file, or NULL */
    const char *url;        /* or NULL */
    const char *why;        /* with explain, or NULL */
    double started_ms;      /* after the query began; -1: never began */
    double elapsed_ms;      /* after the query began: when it ended; -1: unknown */
    int64_t retry_after_ms; /* -1: not told */
    int cached;
} rollcall_result;

/** Where the daemon is: `url` (ipc://, tcp:// or ws://), else $ROLLCALL_URL, else the user's, else
 * the system's socket. Connects with the first call, which is also the one to say that an address
 * is none (INVALID). Free with rollcall_client_free(). Errors: NOMEM. */
ROLLCALL_API int rollcall_client_new(const char *url, rollcall_client **out_client);
ROLLCALL_API void rollcall_client_free(rollcall_client *client);

/** The URL in use; the sentence of the last error; the JSON-RPC error code of the last REFUSED. */
ROLLCALL_API const char *rollcall_client_url(const rollcall_client *client);
ROLLCALL_API const char *rollcall_client_error(const rollcall_client *client);
ROLLCALL_API int rollcall_client_rpc_code(const rollcall_client *client);

/** How long a first connection may take before a call is UNREACHABLE; 0: the default, 1,000. */
ROLLCALL_API void rollcall_client_patience(rollcall_client *client, int64_t connect_ms);

/** How long the daemon may hold results back in rollcall_client_next(), at most a second, so that
 *  several come in one message. The first `registered` one never is, nor the last of all. 0, the
 * default: none are. */
ROLLCALL_API void rollcall_client_gather(rollcall_client *client, int64_t gather_ms);

/** End the call in hand (or the next one) with INTERRUPTED. Async-signal-safe. */
ROLLCALL_API void rollcall_client_interrupt(rollcall_client *client);

/** 128 random bits in hex digits, for rollcall_question.key. Errors: INVALID: no randomness. */
ROLLCALL_API int rollcall_key(char out_key[ROLLCALL_KEY_BYTES]);

/** Ask and wait. `wait_ms` is how long this call may take; 0: five seconds more than the question's
 * own timeout_ms, or ten minutes without one. Free the answer with rollcall_answer_free(). */
ROLLCALL_API int rollcall_client_check(rollcall_client *client, const rollcall_question *question,
                                       int64_t wait_ms, rollcall_answer **out_answer);

/** Submit: the query's id is copied into `out_query`. */
ROLLCALL_API int rollcall_client_submit(rollcall_client *client, const rollcall_question *question,
                                        char out_query[ROLLCALL_QUERY_BYTES]);

/** Results as they complete: those after the first `after`, at most `max` (0: 100), waiting up to
 * `wait_ms` for one. The answer holds only results; *out_done says whether all are in. Free it. */
ROLLCALL_API int
rollcall_client_next(rollcall_client *client, const char *query, size_t after, size_t max,
                     int64_t wait_ms, rollcall_answer **out_results, int *out_done);

/** The answer; TIMEOUT when there is none within `wait_ms`. */
ROLLCALL_API int rollcall_client_result(rollcall_client *client, const char *query, int64_t wait_ms,
                                        rollcall_answer **out_answer);

/** Cancel a query; *out_cancelled 0 when it had ended. */
ROLLCALL_API int
rollcall_client_cancel(rollcall_client *client, const char *query, int *out_cancelled);

/** Any other method, raw: `params` is the JSON text of an object or NULL; the result's JSON text is
 * the caller's: free(). `wait_ms` 0: ten seconds, and
 * what a first connection may take. */
ROLLCALL_API int rollcall_client_call(rollcall_client *client, const char *method,
                                      const char *params, int64_t wait_ms, char **out_json);

ROLLCALL_API void rollcall_answer_free(rollcall_answer *answer);

/* Reading an answer. What the daemon did not say is NULL, 0 or -1. */
ROLLCALL_API const char *rollcall_answer_query(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_kind(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_subject(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_verdict(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_reason(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_platform(const rollcall_answer *answer);
ROLLCALL_API const char *rollcall_answer_strategy(const rollcall_answer *answer);
ROLLCALL_API double rollcall_answer_elapsed_ms(const rollcall_answer *answer);
ROLLCALL_API size_t rollcall_answer_asked(const rollcall_answer *answer);
ROLLCALL_API size_t rollcall_answer_cancelled(const rollcall_answer *answer);
/** The reasons of unknown: the i-th one's name and how often it was given; NULL past the last. */
ROLLCALL_API const char *
rollcall_answer_reason_at(const rollcall_answer *answer, size_t index, size_t *out_count);
/** How often a reason of unknown was given. */
ROLLCALL_API size_t rollcall_answer_reason_count(const rollcall_answer *answer, const char *reason);
/** How many checks the query has altogether; 0: the daemon did not say. */
ROLLCALL_API size_t rollcall_answer_total(const rollcall_answer *answer);
/** The results in this answer; NULL past the last. */
ROLLCALL_API size_t rollcall_answer_count(const rollcall_answer *answer);
ROLLCALL_API const rollcall_result *
rollcall_answer_result(const rollcall_answer *answer, size_t index);
/** The JSON text of the answer, and of one result, as the daemon said it, in one line. The
 * caller's: free(). NULL: no memory, or no such result. */
ROLLCALL_API char *rollcall_answer_json(const rollcall_answer *answer);
ROLLCALL_API char *rollcall_answer_result_json(const rollcall_answer *answer, size_t index);

#ifdef __cplusplus
}
#endif

#endif
