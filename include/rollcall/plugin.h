/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/**
 * Rollcall's plugin contract: everything a platform plugin needs to know is in this file.
 *
 * A plugin is a shared object that exports one constant, `rollcall_plugin_entry`. It provides
 * checkers; a checker answers one question for one platform and one kind of subject: is there an
 * account? It never touches the network. It is a function from what is known so far to *the next
 * request* or *a verdict*; the daemon fetches, waits, paces, retries, caches and cancels. So a
 * checker can run in a process without network, and can be tested offline from recorded replies.
 *
 *     static rollcall_step
 *     example_username(rollcall_check *check, const rollcall_reply *reply)
 *     {
 *         if (reply == NULL) {
 *             return rollcall_get(check, "{base}/users/{subject}");
 *         }
 *         if (reply->status == 200 && rollcall_json_is_subject(reply, "login")) {
 *             return rollcall_registered(check, "https://example.org/{subject}");
 *         }
 *         if (reply->status == 404 && rollcall_json_is(reply, "message", "Not Found")) {
 *             return rollcall_unregistered(check);
 *         }
 *         return rollcall_unknown_from(check, reply);
 *     }
 *
 * THE ONE RULE. A wrong verdict is the worst bug. Say `registered` or `unregistered` only when you
 * saw the platform's own mark for exactly that, about exactly this subject. For everything else
 * there is rollcall_unknown_from(). And no checker may be loud: it sends nothing to the subject and
 * changes nothing at the platform.
 *
 * THREADS. Two tags:
 *   [scan]  read once, when the file is opened; no code of yours runs.
 *   [step]  inside one call of a step function, in a worker process or on a thread of the daemon.
 *           Calls for several subjects may run at the same time: keep no writable globals, start no
 *           threads, do no input or output, install no signal handlers, call no exit().
 *
 * WHERE. In a worker process that has given up all else before your file is opened: no files, no
 * processes, no sockets, 256 MiB of address space (1 GiB for enumerate), 16 descriptors. Such calls
 * fail with EPERM. A step has 2 seconds, enumerate 30, a blocking check its timeout and a second
 * more; then the worker is killed, and the check is unknown, plugin_failed. With
 * ROLLCALL_NEEDS_NETWORK it can connect by TCP and UDP and look up names; it cannot listen. What
 * you print goes to /dev/null: `rollcalld test-plugin` runs your code without all that, and there
 * it shows. plugins/README.md has the whole list.
 *
 * OWNERS. What you put into the descriptor is static and stays. What the host hands to a step is
 * the host's and ends with that call; what must live longer goes into rollcall_state() or
 * rollcall_put(). Texts are NUL-terminated UTF-8. The host copies every text that you hand it, at
 * once.
 *
 * ENDS. A step ends with exactly one call that returns a rollcall_step, and returns its value:
 *     return rollcall_get(…), rollcall_registered(…), rollcall_unknown_from(…) …
 * Two of them in one call, none, a value made up, or a bound that was broken on the way end the
 * check as unknown, plugin_failed, with a sentence in the log.
 *
 * GROWTH. Fields are only ever appended, with the minor number raised; a plugin built for an older
 * minor is accepted, one built for a newer minor or another major is refused with a sentence. The
 * minor also tells the layout of the structs that carry no size of their own.
 *
 * BUILD.
 *     cc -shared -fPIC -fvisibility=hidden -Wl,-z,defs \
 *         $(pkg-config --cflags rollcall) x.c -o x.so
 *     rollcalld check-plugin x.so
 *     rollcalld test-plugin x.so cases/
 * A plugin links to nothing of ours: all functions below go through the struct of host functions.
 */
#ifndef ROLLCALL_PLUGIN_H
#define ROLLCALL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROLLCALL_MAGIC UINT32_C(0x4c4c4352) /* "RCLL" in memory on little-endian machines */
#define ROLLCALL_ABI_MAJOR 1
#define ROLLCALL_ABI_MINOR 1 /* 1: rollcall_srv() */

/* ---- Bounds. The host enforces them; each has an answer. ----------------------------- */

#define ROLLCALL_STATE_BYTES 4096    /* of rollcall_state(), and of all rollcall_put() together */
#define ROLLCALL_DATA_BYTES 4096     /* opaque bytes of one enumerated checker */
#define ROLLCALL_TEMPLATE_BYTES 8192 /* a URL or body template, and each thing filled from one */
#define ROLLCALL_REQUEST_HEADERS_MAX 16
#define ROLLCALL_STOP_AT_MAX 8
#define ROLLCALL_STOP_AT_BYTES 256 /* each */
#define ROLLCALL_BODY_DEFAULT (512 * 1024)
#define ROLLCALL_BODY_CEILING (1024 * 1024)
#define ROLLCALL_STEPS_MAX 8 /* requests of one check; the next gives unexpected_reply */
#define ROLLCALL_REDIRECTS_MAX 5
#define ROLLCALL_SHARED_BYTES 4096 /* a shared value */

/* ---- Words --------------------------------------------------------------------------- */

/* What a subject is. */
enum { ROLLCALL_EMAIL = 1, ROLLCALL_USERNAME = 2 };

/* How a checker finds out. A query uses the first two unless the operator allows more. */
enum {
    ROLLCALL_DOCUMENTED = 1, /* a public, documented look-up */
    ROLLCALL_SIGNUP = 2,     /* the sign-up form's own "is this taken?" */
    ROLLCALL_RECOVERY = 3    /* an account search */
};

/* What its verdicts rest on. */
enum {
    ROLLCALL_EXACT = 1,  /* the reply says yes or no about exactly this subject */
    ROLLCALL_PUBLIC = 2, /* only what owners published is visible: a miss is unknown, not_public */
    ROLLCALL_INFERRED = 3, /* a mark for one side only; the other follows from a proper reply */
    ROLLCALL_SIMILAR = 4   /* never a verdict: a hit is unknown, similar_only */
};

enum { ROLLCALL_UNKNOWN = 0, ROLLCALL_REGISTERED = 1, ROLLCALL_UNREGISTERED = 2 };

/* Why a verdict is unknown. The first group is for plugins; the rest is the host's to say. */
enum {
    ROLLCALL_RATE_LIMITED = 1,
    ROLLCALL_BLOCKED = 2, /* a bot wall, a captcha, 401 or 403 */
    ROLLCALL_SERVER_ERROR = 3,
    ROLLCALL_UNEXPECTED_REPLY = 4,
    ROLLCALL_NOT_PUBLIC = 5,
    ROLLCALL_SIMILAR_ONLY = 6,
    ROLLCALL_UNSUPPORTED = 7,
    ROLLCALL_NOT_A_VALID_NAME = 8,
    ROLLCALL_UNREACHABLE = 9, /* for blocking checkers: their own transport failed */
    ROLLCALL_TIMEOUT = 10     /* for blocking checkers */
};

enum {
    ROLLCALL_GET = 1,
    ROLLCALL_HEAD = 2,
    ROLLCALL_POST = 3,
    ROLLCALL_PUT = 4,
    ROLLCALL_SRV = 5 /* no HTTP: rollcall_srv() */
};

/* What a step function returns. Return only what one of the functions below gave you. */
typedef int32_t rollcall_step;
enum {
    ROLLCALL_STEP_FAILED =
        0, /* a bound was broken or memory ran out: the check ends plugin_failed */
    ROLLCALL_STEP_REQUEST = 1,
    ROLLCALL_STEP_VERDICT = 2,
    ROLLCALL_STEP_SHARE = 3,
    ROLLCALL_STEP_STALE = 4
};

typedef struct rollcall_host rollcall_host;

/* ---- What a step is handed ----------------------------------------------------------- */

/** The check in hand. [step] Owned by the host, valid during this call. */
typedef struct rollcall_check {
    const rollcall_host *host;
    int32_t kind;        /* ROLLCALL_EMAIL or ROLLCALL_USERNAME; 0 in enumerate and shared steps */
    uint32_t step;       /* 0 in the first call of a check, then 1, 2, … */
    const char *subject; /* normalised; "" where there is none */
    const void *data;    /* what enumerate gave for this checker, else NULL */
    size_t data_len;
    void *internal; /* the host's */
} rollcall_check;

/** The reply to the last request. [step] Owned by the host, valid during this call.
 *  Transport failures never come here: the host knows what they mean. */
typedef struct rollcall_reply {
    const rollcall_host *host;
    int32_t status;    /* HTTP status, e.g. 404 */
    int32_t truncated; /* 1: the body was cut at body_max or at a stop_at */
    int32_t stop_hit;  /* index of the stop_at that was seen, or -1 */
    const char *url;   /* where the reply came from, after redirects */
    const char *body;  /* NUL behind it, not counted; may hold NULs itself */
    size_t body_len;
    void *internal; /* the host's */
} rollcall_reply;

typedef rollcall_step (*rollcall_step_fn)(rollcall_check *check, const rollcall_reply *reply);

/* ---- The descriptor ------------------------------------------------------------------ */

/** The first 16 bytes of the descriptor: frozen for ever. The host reads nothing beyond them before
 *  it has judged them, in this order: magic, major equal, minor not newer, size not larger,
 *  reserved zero. */
typedef struct rollcall_head {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size; /* sizeof(rollcall_plugin) as the plugin was built */
    uint32_t reserved;
} rollcall_head;

/** A place where accounts live. Several checkers may share one. [scan] */
typedef struct rollcall_platform {
    const char *id;    /* [a-z0-9][a-z0-9._-]*, at most 64 bytes */
    const char *title; /* "GitHub" */
    const char *home;  /* "https://github.com/" */
    const char *const
        *tags;         /* NULL-terminated, lower case: "coding"; "adult" has a meaning; or NULL */
    uint64_t accounts; /* how many accounts, roughly: a prior for ordering; 0: not known */
} rollcall_platform;

/** The legal form of a name. A name that breaks it costs no request. [scan] */
typedef struct rollcall_name_rule {
    uint32_t min_chars; /* code points */
    uint32_t max_chars; /* 0: no upper bound */
    const char *chars;  /* allowed: characters and ranges of them, any code points of UTF-8:
                           "A-Za-z0-9_-" ('-' last); NULL: any */
    const char *source; /* the page that states it; required */
    int32_t all_names;  /* 1: it holds for all names that exist, so breaking it is `unregistered`;
                           0: for new sign-ups only, so it is unknown, not_a_valid_name */
} rollcall_name_rule;

/* Flags of a checker. Bits that the host does not know refuse the plugin. */
enum {
    ROLLCALL_CASELESS = 1 << 0,        /* the platform does not tell A from a (ASCII only; of an
                                          address: in its local part, too) */
    ROLLCALL_CODES_ARE_MARKS = 1 << 1, /* its rules may name 401, 403, 429 or 5xx as a mark: without
                                          this bit the host turns a verdict drawn from such a reply
                                          into unknown */
    ROLLCALL_DOMAIN_HOST = 1 << 2,     /* {domain} may stand in the host position (its own validated
                                           domain of the address) */
    ROLLCALL_NEEDS_NETWORK = 1 << 3,   /* only with `block`: opens connections of its own */
    ROLLCALL_UNGUARDED = 1 << 4        /* only with rollcall_yield(): it repeats what another tool
                                          would say, right or wrong, and the host leaves that as it
                                          is, but for `similar` evidence */
};

/** One platform, one kind. (platform, kind) is unique in a daemon. [scan] */
typedef struct rollcall_checker {
    const rollcall_platform *platform;
    int32_t kind;
    int32_t method;
    int32_t evidence;
    uint32_t flags;
    const char *base_url;  /* what {base} is unless configured: "https://api.github.com"; no slash
                              at the end. NULL for a blocking checker */
    uint32_t rate_count;   /* the polite rate, of each checker of its own: so many requests … */
    uint32_t rate_seconds; /* … in so many seconds. Required */
    uint32_t concurrency;  /* the most requests at a time. Required */
    uint32_t body_max;     /* bytes of a reply's body; 0: ROLLCALL_BODY_DEFAULT */
    const rollcall_name_rule *name_rule; /* or NULL */
    const char *const *known; /* accounts that exist, NULL-terminated, or NULL: canaries. Of an
                                 e-mail checker addresses, and only ones that are yours or
                                 published for this */
    const char *absent;     /* how to make a name that cannot exist: '?' is a random [a-z0-9], eight
                               or more of them: "zz-????????????"; or NULL */
    rollcall_step_fn step;  /* an HTTP checker: called with NULL first, then with each reply */
    rollcall_step_fn block; /* or a blocking one: called once with NULL, may take its time, asks
                               rollcall_is_cancelled() or polls rollcall_cancel_fd(), and returns a
                               verdict. Exactly one is set */
    const char *source; /* with rollcall_yield(): the data it came from, "wmn-data"; else NULL */
} rollcall_checker;

/** A value that many checks need (a guest token): fetched once however many wait, kept for its
 *  lifetime, used in templates as {shared:name}. [scan] */
typedef struct rollcall_shared {
    const char *name;      /* [a-z][a-z0-9_]* */
    uint32_t lifetime_s;   /* seconds that a value may be used; required */
    rollcall_step_fn step; /* like a checker's, without a subject; ends in rollcall_share() */
    const char *base_url;  /* what {base} is in its requests */
} rollcall_shared;

/* Types of configuration keys. */
enum {
    ROLLCALL_STRING = 1,
    ROLLCALL_INT = 2,
    ROLLCALL_DURATION = 3, /* "10s", "5min"; handed over in milliseconds */
    ROLLCALL_RATE = 4,     /* "10/min"; handed over as text */
    ROLLCALL_BOOL = 5,
    ROLLCALL_LIST = 6, /* of strings */
    ROLLCALL_FILE = 7, /* a file's name: the host opens it and hands in its bytes */
    ROLLCALL_FILES = 8,
    ROLLCALL_SECRET = 9 /* a file's name; its content never reaches the plugin, it only fills
                           {secret:key} in requests to the checker's own base_url host */
};

/** A key of the plugin's section in the configuration. Beside these every plugin has enabled,
 *  isolation, rate, concurrency, timeout and base_url. [scan] */
typedef struct rollcall_option {
    const char *key; /* [a-z][a-z0-9_]* */
    int32_t type;
    const char *fallback; /* as it would be written; NULL: not set */
    const char *sentence; /* what it does: for the manual */
    int64_t min;          /* for INT, DURATION (ms); min == max == 0: no bounds */
    int64_t max;
} rollcall_option;

/** The whole of it. [scan] */
typedef struct rollcall_plugin {
    rollcall_head head;    /* ROLLCALL_PLUGIN_HEAD */
    const char *name;      /* [a-z][a-z0-9_-]*, at most 32 bytes */
    const char *version;   /* the plugin's own: "1.2" */
    uint64_t capabilities; /* none is defined yet: 0 */
    const rollcall_checker *checkers;
    size_t checker_count;
    size_t checker_size; /* sizeof(rollcall_checker): the stride */
    const rollcall_option *options;
    size_t option_count;
    size_t option_size;
    const rollcall_shared *shared;
    size_t shared_count;
    size_t shared_size;
    /* Checkers from data: yield any number of them with rollcall_yield(). Runs once after start or
     * reload; check->subject is "". Returns 0, or -1 when nothing can be offered. Or NULL. [step]
     */
    int32_t (*enumerate)(rollcall_check *check);
    rollcall_step_fn
        enumerated_step; /* the step of every yielded checker; required with enumerate */
} rollcall_plugin;

#define ROLLCALL_PLUGIN_HEAD                                                                       \
    {                                                                                              \
        ROLLCALL_MAGIC, ROLLCALL_ABI_MAJOR, ROLLCALL_ABI_MINOR, (uint32_t)sizeof(rollcall_plugin), \
            0                                                                                      \
    }
#define ROLLCALL_EXPORT __attribute__((visibility("default")))
#define ROLLCALL_ENTRY "rollcall_plugin_entry"

/* The one symbol:  ROLLCALL_EXPORT const rollcall_plugin rollcall_plugin_entry = { … }; */
ROLLCALL_EXPORT extern const rollcall_plugin rollcall_plugin_entry;

/* Fill a list of the descriptor: ROLLCALL_CHECKERS(array) sets pointer, count and stride. */
#define ROLLCALL_CHECKERS(array)                                                                   \
    .checkers = (array), .checker_count = sizeof(array) / sizeof((array)[0]),                      \
    .checker_size = sizeof((array)[0])
#define ROLLCALL_OPTIONS(array)                                                                    \
    .options = (array), .option_count = sizeof(array) / sizeof((array)[0]),                        \
    .option_size = sizeof((array)[0])
#define ROLLCALL_SHARED(array)                                                                     \
    .shared = (array), .shared_count = sizeof(array) / sizeof((array)[0]),                         \
    .shared_size = sizeof((array)[0])

/* ---- The host's functions: used through the inline functions below ------------------- */

struct rollcall_host {
    uint32_t size; /* sizeof(rollcall_host) of the host */
    void (*header)(rollcall_check *, const char *name, const char *value_template);
    void (*form)(rollcall_check *, const char *name, const char *value_template);
    void (*body)(rollcall_check *, const char *content_type, const char *body_template);
    void (*follow)(rollcall_check *, uint32_t redirects);
    void (*stop_at)(rollcall_check *, const char *text);
    rollcall_step (*request)(rollcall_check *, int32_t method, const char *url_template);
    rollcall_step (*verdict)(rollcall_check *, int32_t verdict, int32_t reason,
                             const char *url_template);
    rollcall_step (*unknown_from)(rollcall_check *, const rollcall_reply *);
    rollcall_step (*share)(rollcall_check *, const char *value);
    rollcall_step (*stale)(rollcall_check *, const char *shared_name);
    void *(*state)(rollcall_check *);
    int32_t (*put)(rollcall_check *, const char *name, const char *value);
    const char *(*header_of)(const rollcall_reply *, const char *name);
    int32_t (*body_has)(const rollcall_reply *, const char *text);
    int32_t (*body_between)(const rollcall_reply *, const char *before, const char *after,
                            char *out, size_t out_bytes);
    const char *(*json_string)(const rollcall_reply *, const char *path);
    int32_t (*json_bool)(const rollcall_reply *, const char *path);
    int32_t (*json_int)(const rollcall_reply *, const char *path, int64_t *out);
    int64_t (*json_count)(const rollcall_reply *, const char *path);
    int32_t (*is_subject)(const rollcall_reply *, const char *text);
    const char *(*config_string)(rollcall_check *, const char *key, size_t index);
    int64_t (*config_int)(rollcall_check *, const char *key, int64_t fallback);
    const void *(*config_file)(rollcall_check *, const char *key, size_t index, const char **name,
                               size_t *len);
    int32_t (*yield)(rollcall_check *, const rollcall_checker *, const void *data, size_t len);
    int32_t (*is_cancelled)(const rollcall_check *);
    void (*note)(rollcall_check *, const char *sentence);
    int32_t (*cancel_fd)(const rollcall_check *);
};

/* ---- Ask: the next request ----------------------------------------------------------- */

/* First what it carries, then the method, whose value you return.
 *
 * Templates. The host fills and encodes for the place (path segment, query, form, JSON string,
 * header): a name can never change where a request goes.
 *   {base}              the checker's base_url; only at the start of a URL
 *   {subject} {subject:lower} {local} {domain}
 *   {subject:md5} {subject:sha256}   digests of the lower-cased text, in hex
 *   {local:zbase32sha1}              and in z-base-32
 *   {config:key} {shared:name} {value:name} {secret:key}
 *   {{ and }}           the braces themselves
 * A URL's own characters stay as they are, '+' and ':' too; what is filled in becomes %XX but for
 * the unreserved ones of RFC 3986, so that an address is alice%40example.com in path and query.
 * In the host position only {subject} as one LDH label, or {domain} with ROLLCALL_DOMAIN_HOST.
 * Never in scheme, port or header name. What cannot be filled ends the check: plugin_failed for a
 * template that is wrong, not_a_valid_name for a subject that does not fit the place. */

/** A header of the next request; at most ROLLCALL_REQUEST_HEADERS_MAX, and the same name again is a
 *  second one. The daemon's own User-Agent is sent unless one is given here. A header whose
 *  template names a secret that is not set is left out, so that an optional token is one line:
 *  "Authorization", "Bearer {secret:token}". In any other place an unset secret ends the check,
 *  plugin_failed. [step] */
static inline void
rollcall_header(rollcall_check *check, const char *name, const char *value_template)
{
    check->host->header(check, name, value_template);
}

/** A field of the next request's form (application/x-www-form-urlencoded), in order. A request has
 *  a form or a rollcall_body(), not both. [step] */
static inline void
rollcall_form(rollcall_check *check, const char *name, const char *value_template)
{
    check->host->form(check, name, value_template);
}

/** The next request's body, filled as its content type demands: with application/json a subject is
 *  escaped as a part of a JSON string, with a form's type it is percent-encoded, with others only a
 *  subject of [A-Za-z0-9@._-] is let in. [step] */
static inline void
rollcall_body(rollcall_check *check, const char *content_type, const char *body_template)
{
    check->host->body(check, content_type, body_template);
}

/** Follow up to `redirects` redirects of the next request, at most ROLLCALL_REDIRECTS_MAX; one more
 *  ends the check as unknown, unexpected_reply. Without it a redirect is the reply. [step] */
static inline void
rollcall_follow(rollcall_check *check, uint32_t redirects)
{
    check->host->follow(check, redirects);
}

/** Stop reading the next reply's body once `text` has been seen; at most ROLLCALL_STOP_AT_MAX. */
static inline void
rollcall_stop_at(rollcall_check *check, const char *text)
{
    check->host->stop_at(check, text);
}

/** Send it. Cookies of earlier steps go along; they live as long as the check. [step] */
static inline rollcall_step
rollcall_get(rollcall_check *check, const char *url_template)
{
    return check->host->request(check, ROLLCALL_GET, url_template);
}

static inline rollcall_step
rollcall_head_request(rollcall_check *check, const char *url_template)
{
    return check->host->request(check, ROLLCALL_HEAD, url_template);
}

static inline rollcall_step
rollcall_post(rollcall_check *check, const char *url_template)
{
    return check->host->request(check, ROLLCALL_POST, url_template);
}

static inline rollcall_step
rollcall_request(rollcall_check *check, int32_t method, const char *url_template)
{
    return check->host->request(check, method, url_template);
}

/** Ask the name servers for the SRV records of a service (RFC 2782) instead of a web server:
 *  "_xmpp-client._tcp.{domain}". The name begins with the service, "_…._tcp." or "_…._udp."; in it
 *  may stand {domain} with ROLLCALL_DOMAIN_HOST, or {subject} as one LDH label. Nothing goes along:
 *  a header, form, body, stop_at or redirect is a fault. The next reply has status 200, or 404 when
 *  there is no such name, and for its body a JSON array, by priority and then the heavier first, of
 *  {"target": "xmpp.example.org", "port": 5222, "priority": 5, "weight": 0}; the target "." says
 *  that the service is not offered. [step] */
static inline rollcall_step
rollcall_srv(rollcall_check *check, const char *name_template)
{
    return check->host->request(check, ROLLCALL_SRV, name_template);
}

/* ---- Answer: a verdict --------------------------------------------------------------- */

/** There is an account. `url_template` is its page for people, with the placeholders of a request's
 *  URL but secrets, or NULL. Of this and of the next verdict the host makes unknown where the reply
 *  was a bot wall's page (blocked), and, without ROLLCALL_CODES_ARE_MARKS, where its status was
 * 401, 403 or 407 (blocked), 429 (rate_limited) or 5xx (server_error). [step] */
static inline rollcall_step
rollcall_registered(rollcall_check *check, const char *url_template)
{
    return check->host->verdict(check, ROLLCALL_REGISTERED, 0, url_template);
}

/** There is none: for a checker of `public` evidence the host makes unknown, not_public of it, and
 *  from a truncated reply unknown, unexpected_reply. [step] */
static inline rollcall_step
rollcall_unregistered(rollcall_check *check)
{
    return check->host->verdict(check, ROLLCALL_UNREGISTERED, 0, NULL);
}

/** Neither can be said, for a reason that the step knows. With ROLLCALL_RATE_LIMITED the host reads
 *  from the reply when to come back. [step] */
static inline rollcall_step
rollcall_unknown(rollcall_check *check, int32_t reason)
{
    return check->host->verdict(check, ROLLCALL_UNKNOWN, reason, NULL);
}

/** Unknown, for the reason that the reply itself tells: 429, or 403 with a spent limit →
 *  rate_limited (Retry-After is read); 401, 403, 407, a bot wall's page → blocked; 5xx →
 *  server_error; all else → unexpected_reply. [step] */
static inline rollcall_step
rollcall_unknown_from(rollcall_check *check, const rollcall_reply *reply)
{
    return check->host->unknown_from(check, reply);
}

/** In a shared value's step: here it is. 1 to ROLLCALL_SHARED_BYTES printable bytes. [step] */
static inline rollcall_step
rollcall_share(rollcall_check *check, const char *value)
{
    return check->host->share(check, value);
}

/** The platform no longer takes the shared value: fetch a new one and start this check again. Once
 * a check; the second time it ends unexpected_reply. [step] */
static inline rollcall_step
rollcall_stale(rollcall_check *check, const char *shared_name)
{
    return check->host->stale(check, shared_name);
}

/* ---- Remember ------------------------------------------------------------------------ */

/** ROLLCALL_STATE_BYTES that travel with the check from step to step; zeros at first. [step] */
static inline void *
rollcall_state(rollcall_check *check)
{
    return check->host->state(check);
}

/** Keep a text under a name ([a-z][a-z0-9_]*) for later templates: {value:name}; the same name
 * again replaces it. 0, or -1 and nothing kept: no such name, not UTF-8, or the names and texts of
 * this check, with a NUL behind each, are more than ROLLCALL_STATE_BYTES. [step] */
static inline int32_t
rollcall_put(rollcall_check *check, const char *name, const char *value)
{
    return check->host->put(check, name, value);
}

/* ---- Read the reply ------------------------------------------------------------------ */

/** The first header of that name (any case), or NULL. [step] */
static inline const char *
rollcall_header_of(const rollcall_reply *reply, const char *name)
{
    return reply->host->header_of(reply, name);
}

static inline int32_t
rollcall_body_has(const rollcall_reply *reply, const char *text)
{
    return reply->host->body_has(reply, text);
}

/** Copy what stands between the first `before` and the next `after`, with a NUL behind it. Its
 *  length without that NUL, or -1 when they are not there or it does not fit. [step] */
static inline int32_t
rollcall_body_between(const rollcall_reply *reply, const char *before, const char *after, char *out,
                      size_t out_bytes)
{
    return reply->host->body_between(reply, before, after, out, out_bytes);
}

/* JSON: `path` is keys and indexes joined by dots, "items.0.login"; "" is the document. A body that
 * is not strictly JSON, or was cut, has nothing at any path. */

/** The string there, or NULL. [step] */
static inline const char *
rollcall_json_string(const rollcall_reply *reply, const char *path)
{
    return reply->host->json_string(reply, path);
}

/** Whether the string there equals `text`. [step] */
static inline int32_t
rollcall_json_is(const rollcall_reply *reply, const char *path, const char *text)
{
    const char *found = reply->host->json_string(reply, path);
    if (found == NULL) {
        return 0;
    }
    while (*found != '\0' && *found == *text) {
        found++;
        text++;
    }
    return *found == *text;
}

/** 1 true, 0 false, -1 no boolean there. [step] */
static inline int32_t
rollcall_json_bool(const rollcall_reply *reply, const char *path)
{
    return reply->host->json_bool(reply, path);
}

/** 1 and the value when there is an integer, else 0. [step] */
static inline int32_t
rollcall_json_int(const rollcall_reply *reply, const char *path, int64_t *out)
{
    return reply->host->json_int(reply, path, out);
}

/** Elements of the array or members of the object there, -1 when there is neither. [step] */
static inline int64_t
rollcall_json_count(const rollcall_reply *reply, const char *path)
{
    return reply->host->json_count(reply, path);
}

/** Whether `text` is the subject, as this platform compares names (ROLLCALL_CASELESS). [step] */
static inline int32_t
rollcall_is_subject(const rollcall_reply *reply, const char *text)
{
    return text != NULL && reply->host->is_subject(reply, text);
}

static inline int32_t
rollcall_json_is_subject(const rollcall_reply *reply, const char *path)
{
    return rollcall_is_subject(reply, reply->host->json_string(reply, path));
}

/* ---- Configuration ------------------------------------------------------------------- */

/** A STRING or RATE, or the index-th of a LIST; NULL when it is not set. Never a SECRET. "base_url"
 * is the one that is configured for the plugin, NULL when none is: {base} is that for all of its
 * checkers then, so one that offers many platforms may tell them apart by the path behind it.
 * [step]
 */
static inline const char *
rollcall_config_string(rollcall_check *check, const char *key, size_t index)
{
    return check->host->config_string(check, key, index);
}

/** An INT, a BOOL (0 or 1), a DURATION in milliseconds. [step] */
static inline int64_t
rollcall_config_int(rollcall_check *check, const char *key, int64_t fallback)
{
    return check->host->config_int(check, key, fallback);
}

/** The bytes of a FILE, or of the index-th of FILES; NULL past the last. *name is its base name. A
 * plugin with an enumerate has its files there and nowhere else: they may be large, and no step
 * keeps them. [step] */
static inline const void *
rollcall_config_file(rollcall_check *check, const char *key, size_t index, const char **name,
                     size_t *len)
{
    return check->host->config_file(check, key, index, name, len);
}

/* ---- Others -------------------------------------------------------------------------- */

/** In enumerate: offer a checker with up to ROLLCALL_DATA_BYTES of your own, which come back as
 *  check->data in each of its steps. Its `step` and `block` stay NULL: enumerated_step serves it.
 * All it points to is copied. 0; -1 when it is refused (the log says why): go on. [step] */
static inline int32_t
rollcall_yield(rollcall_check *check, const rollcall_checker *checker, const void *data, size_t len)
{
    return check->host->yield(check, checker, data, len);
}

/** In enumerate: a sentence for the log about the data that was read, such as an entry that is
 *  broken: file, entry, field and reason. The first few hundred are kept, and how many more there
 *  were. "rollcalld check-catalog" prints them. It takes one for a fault of the data that holds
 *  ": broken: " or ": refused: ", or a count such as "3 broken,". [step] */
static inline void
rollcall_note(rollcall_check *check, const char *sentence)
{
    check->host->note(check, sentence);
}

/** In a blocking checker: whether nobody waits for it any more. [step] */
static inline int32_t
rollcall_is_cancelled(const rollcall_check *check)
{
    return check->host->is_cancelled(check);
}

/** In a blocking checker: a descriptor that becomes readable (POLLIN) when nobody waits for it any
 *  more, to be put into the same poll() as the checker's own. The host's: never read, write or
 * close it. -1 when there is none to be had: then ask rollcall_is_cancelled() from time to time.
 * [step] */
static inline int32_t
rollcall_cancel_fd(const rollcall_check *check)
{
    return check->host->cancel_fd(check);
}

#ifdef __cplusplus
}
#endif

#endif
