/* SPDX-FileCopyrightText: The Rollcall authors
 * SPDX-License-Identifier: MIT */
/* Certificates for tests: an authority made for each test, and servers that it vouches for.
 * Included by one test program each, hence static. */
#ifndef ROLLCALL_TESTS_UNIT_EXEC_TLS_FIXTURE_H
#define ROLLCALL_TESTS_UNIT_EXEC_TLS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "daemon/base/attr.h"
#include "tests/support/tmpdir.h"

static struct tmpdir *tls_folder;
static char *tls_ca_path;
static X509 *tls_authority;
static EVP_PKEY *tls_authority_key;

static void
tls_add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: it signs itself. */
static X509 *
tls_new_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(certificate, key);
    if (issuer == NULL) {
        tls_add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        tls_add_extension(certificate, NID_subject_alt_name, name);
    }
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

MAYBE_UNUSED static SSL_CTX *
tls_new_server(const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = tls_new_certificate(names, key, tls_authority, tls_authority_key);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* Returns the path of its certificate, in PEM; it is the fixture's. */
MAYBE_UNUSED static char *
tls_open_authority(void)
{
    tls_authority_key = EVP_EC_gen("P-256");
    tls_authority =
        tls_new_certificate("Test authority", tls_authority_key, NULL, tls_authority_key);
    tls_folder = tmpdir_new();
    tls_ca_path = tmpdir_join(tls_folder, "ca.pem");
    FILE *file = fopen(tls_ca_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, tls_authority), 1);
    assert_int_equal(fclose(file), 0);
    return tls_ca_path;
}

MAYBE_UNUSED static void
tls_close_authority(void)
{
    X509_free(tls_authority);
    EVP_PKEY_free(tls_authority_key);
    free(tls_ca_path);
    tmpdir_free(&tls_folder);
}

#endif
