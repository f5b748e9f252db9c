/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */

/* The server of bench_fetch: http, https and DNS on one epoll set. A connection is read up to the
 * end of its first request and then left open. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/bench/fetch_crowd.h"
#include "tests/support/common.h"

#define EVENTS 512
#define BACKLOG 4096
#define DNS_BYTES 512

enum kind { KIND_HTTP, KIND_HTTPS, KIND_DNS, KIND_CONN };

struct end {
    enum kind kind;
    int fd;
    SSL *tls; /* of a connection; NULL: plain */
    bool is_open;
    bool is_held;
};

struct crowd_server {
    struct crowd *crowd;
    int epoll_fd;
    SSL_CTX *context;
    struct end ends[3];
};

/* ---- A certificate for the zone that vouches for itself */

static void
extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    (void)X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* As large a bundle as clients usually read: the system's authorities behind ours. */
static bool
append_system_bundle(FILE *file)
{
    char bytes[16384];
    size_t len;
    FILE *bundle = fopen("/etc/ssl/certs/ca-certificates.crt", "re");
    while (bundle != NULL && (len = fread(bytes, 1, sizeof(bytes), bundle)) > 0) {
        if (fwrite(bytes, 1, len, file) != len) {
            return false;
        }
    }
    return bundle == NULL || fclose(bundle) == 0;
}

static SSL_CTX *
make_tls(const char *ca_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)CROWD_ZONE, -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, NID_subject_alt_name, "DNS:*." CROWD_ZONE);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    FILE *file = fopen(ca_file, "we");
    if (X509_sign(certificate, key, EVP_sha256()) <= 0 ||
        SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1 || file == NULL ||
        PEM_write_X509(file, certificate) != 1 || !append_system_bundle(file) ||
        fclose(file) != 0) {
        support_fail("no certificate");
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* ---- Connections */

static void
watch(struct crowd_server *server, struct end *end)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, end->fd, &event) != 0) {
        support_fail("epoll: %s", strerror(errno));
    }
}

static void
close_conn(struct crowd_server *server, struct end *end)
{
    if (end->is_held) {
        atomic_fetch_sub(&server->crowd->held, 1);
    }
    SSL_free(end->tls);
    (void)close(end->fd);
    free(end);
}

static void
accept_all(struct crowd_server *server, const struct end *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct end *end = calloc(1, sizeof(*end));
        *end = (struct end){ .kind = KIND_CONN, .fd = fd };
        end->is_open = listener->kind == KIND_HTTP;
        if (listener->kind == KIND_HTTPS) {
            end->tls = SSL_new(server->context);
            SSL_set_fd(end->tls, fd);
        }
        watch(server, end);
    }
}

/* More than 0: bytes; 0: nothing yet; less: it is over. */
static int
read_some(struct end *end, char *bytes, int size)
{
    if (end->tls == NULL) {
        ssize_t len = recv(end->fd, bytes, (size_t)size, 0);
        return len > 0 ? (int)len : len < 0 && errno == EAGAIN ? 0 : -1;
    }
    int code = end->is_open ? SSL_read(end->tls, bytes, size) : SSL_accept(end->tls);
    int error = SSL_get_error(end->tls, code);
    if (code == 1 && !end->is_open) {
        end->is_open = true;
        return read_some(end, bytes, size);
    }
    return code > 0 ? code : error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void
on_conn(struct crowd_server *server, struct end *end)
{
    char bytes[4096];
    int len = read_some(end, bytes, sizeof(bytes));
    if (len < 0) {
        close_conn(server, end);
    } else if (len > 0 && !end->is_held) { /* a request is small: it comes whole */
        end->is_held = true;
        atomic_fetch_add(&server->crowd->held, 1);
    }
}

/* ---- DNS: 127.0.0.1 for whoever asks for an A, no record for all else */

static void
answer_all(struct crowd_server *server, int fd)
{
    static const unsigned char record[] = {
        0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 127, 0, 0, 1
    };
    unsigned char message[DNS_BYTES + sizeof(record)];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len;
    while ((len = recvfrom(fd, message, DNS_BYTES, 0, (struct sockaddr *)&from, &from_len)) > 17) {
        size_t end = 12 + strlen((const char *)message + 12) + 5;
        bool is_a = end <= (size_t)len && message[end - 3] == 1;
        message[2] = 0x81;
        message[3] = 0x80;
        memset(message + 6, 0, 6);
        message[7] = is_a ? 1 : 0;
        if (is_a) {
            memcpy(message + end, record, sizeof(record));
            atomic_fetch_add(&server->crowd->asked, 1);
        }
        (void)sendto(fd, message, end + (is_a ? sizeof(record) : 0), 0, (struct sockaddr *)&from,
                     from_len);
    }
}

/* ---- The server */

static unsigned
open_end(struct crowd_server *server, enum kind kind)
{
    struct end *end = &server->ends[kind];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int type = kind == KIND_DNS ? SOCK_DGRAM : SOCK_STREAM;
    end->kind = kind;
    end->fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(end->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        (kind != KIND_DNS && listen(end->fd, BACKLOG) != 0) ||
        getsockname(end->fd, (struct sockaddr *)&address, &len) != 0) {
        support_fail("the server does not listen: %s", strerror(errno));
    }
    watch(server, end);
    return ntohs(address.sin_port);
}

struct crowd_server *
crowd_server_new(struct crowd *crowd)
{
    struct crowd_server *server = calloc(1, sizeof(*server));
    server->crowd = crowd;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->context = make_tls(crowd->ca_file);
    crowd->http_port = open_end(server, KIND_HTTP);
    crowd->https_port = open_end(server, KIND_HTTPS);
    crowd->dns_port = open_end(server, KIND_DNS);
    return server;
}

void
crowd_server_run(struct crowd_server *server)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct end *end = events[i].data.ptr;
            if (end->kind == KIND_CONN) {
                on_conn(server, end);
            } else if (end->kind == KIND_DNS) {
                answer_all(server, end->fd);
            } else {
                accept_all(server, end);
            }
        }
    }
}
