/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Makes the certificates. Keys are P-256: the handshakes of a thousand connections are cheap. */
#include "tests/world/tls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define VALID_SECONDS (30L * 24 * 3600)
#define CLOCK_SKEW_SECONDS (24L * 3600)

struct maker {
    EVP_PKEY *ca_key;
    X509 *ca;
    EVP_PKEY *key;
    X509 *certificate;
};

static bool
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* A certificate, not yet signed, with the extensions that both need. */
static X509 *
new_certificate(EVP_PKEY *key, const char *name, long serial)
{
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool is_made = X509_set_version(certificate, 2) == 1 &&
                   ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial) == 1 &&
                   X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_SECONDS) != NULL &&
                   X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL &&
                   X509_set_pubkey(certificate, key) == 1 &&
                   X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                              (const unsigned char *)name, -1, -1, 0) == 1 &&
                   add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    if (!is_made) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool
make_ca(struct maker *maker)
{
    maker->ca_key = EVP_EC_gen("P-256");
    maker->ca = maker->ca_key != NULL
                    ? new_certificate(maker->ca_key, "rollcall-world authority", 1)
                    : NULL;
    return maker->ca != NULL &&
           X509_set_issuer_name(maker->ca, X509_get_subject_name(maker->ca)) == 1 &&
           add_extension(maker->ca, maker->ca, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(maker->ca, maker->ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           X509_sign(maker->ca, maker->ca_key, EVP_sha256()) > 0;
}

static bool
make_certificate(struct maker *maker)
{
    maker->key = EVP_EC_gen("P-256");
    maker->certificate =
        maker->key != NULL ? new_certificate(maker->key, "rollcall-world", 2) : NULL;
    X509 *one = maker->certificate;
    return one != NULL && X509_set_issuer_name(one, X509_get_subject_name(maker->ca)) == 1 &&
           add_extension(one, maker->ca, NID_authority_key_identifier, "keyid") &&
           add_extension(one, maker->ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(one, maker->ca, NID_ext_key_usage, "serverAuth") &&
           add_extension(one, maker->ca, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") &&
           X509_sign(one, maker->ca_key, EVP_sha256()) > 0;
}

static bool
write_ca(const char *path, X509 *ca)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return false;
    }
    bool is_written = PEM_write_X509(file, ca) == 1;
    return fclose(file) == 0 && is_written;
}

static SSL_CTX *
new_context(const struct maker *maker)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        return NULL;
    }
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate(context, maker->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, maker->key) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

int
tls_new(const char *ca_file, SSL_CTX **out_context, struct error_text *why)
{
    struct maker maker = { .ca = NULL };
    SSL_CTX *context = NULL;
    int error = 0;
    if (!make_ca(&maker) || !make_certificate(&maker) || (context = new_context(&maker)) == NULL) {
        error = error_say(why, ERROR_IO, "OpenSSL cannot make the world's certificates");
    } else if (!write_ca(ca_file, maker.ca)) {
        error = error_say(why, ERROR_IO, "%s: %s", ca_file, strerror(errno));
        SSL_CTX_free(context);
    } else {
        *out_context = context;
    }
    X509_free(maker.certificate);
    EVP_PKEY_free(maker.key);
    X509_free(maker.ca);
    EVP_PKEY_free(maker.ca_key);
    return error;
}
