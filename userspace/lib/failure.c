// SPDX-License-Identifier: MIT
/*
 * Owns: the errno and the sentence of a handshake that failed: which side gave
 * up, by what alert or verification, and what to do. Must not know: sockets,
 * keys. A connection belongs to one thread; OpenSSL's error queue is the thread's.
 * Spec: RFC 8446 section 6.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "alert.h"
#include "choice.h"
#include "conn.h"
#include "failure.h"

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* Why we did not accept a certificate: what to do about it. */
static const struct {
	long result;
	const char *remedy;
} verifications[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	  "add its CA by ktlsx_config_set_trust(), or have the peer send its intermediates",
	},
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "add its CA by ktlsx_config_set_trust()" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "add its CA by ktlsx_config_set_trust()" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	  "trust it by ktlsx_config_set_trust(), or pin its key by ktlsx_config_add_pin()",
	},
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "add its CA by ktlsx_config_set_trust()" },
	{ X509_V_ERR_CERT_HAS_EXPIRED, "have the peer renew it, or set this machine's clock" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "set this machine's clock" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, "connect to a name that stands in the certificate" },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, "connect to an address that stands in the certificate" },
	{ X509_V_ERR_CERT_REVOKED, "have the peer get a new one" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, "add its issuer's list by ktlsx_config_add_crl()" },
	{ X509_V_ERR_CRL_HAS_EXPIRED, "fetch a new list for ktlsx_config_add_crl()" },
	{ X509_V_ERR_INVALID_PURPOSE, "have the peer get one for this side of TLS" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, "have the peer get a chain signed with SHA-2" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, "have the peer get one with a longer key" },
	{ X509_V_ERR_DANE_NO_MATCH,
	  "compare the pin of ktlsx_config_add_pin() with the peer's key",
	},
};

/* Reasons of OpenSSL that say little to who does not know it, or are a refusal of ours. */
static const struct {
	int reason;
	int err;
	const char *remedy;
} reasons[] = {
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, -EACCES, "see the peer's certificate and this config" },
	{ SSL_R_INVALID_STATUS_RESPONSE, -EACCES,
	  "the peer's stapled OCSP response is missing or not good",
	},
	{ SSL_R_NO_SHARED_CIPHER, -EPROTO,
	  "no suite and certificate of ours suits the peer: see ktlsx_config_set_suites() and ktlsx_config_add_chain()",
	},
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, -EPROTO,
	  "no key of ours can sign as the peer wants: add a chain of another type",
	},
	{ SSL_R_NO_SUITABLE_KEY_SHARE, -EPROTO,
	  "no group suits both: see ktlsx_config_set_groups()",
	},
	{ SSL_R_UNSUPPORTED_PROTOCOL, -EPROTO,
	  "the peer's TLS version is not allowed here: see ktlsx_config_set_versions()",
	},
	{ SSL_R_VERSION_TOO_LOW, -EPROTO,
	  "the peer's TLS version is not allowed here: see ktlsx_config_set_versions()",
	},
	{ SSL_R_WRONG_SIGNATURE_TYPE, -EPROTO,
	  "the peer signed with an algorithm we did not offer",
	},
	{ SSL_R_BAD_SIGNATURE, -EPROTO,
	  "the peer's signature is wrong: it does not have the certificate's key, or somebody is in between",
	},
	{ SSL_R_BAD_ECPOINT, -EPROTO,
	  "the peer's key share is no point of its group: it is broken or hostile",
	},
	{ SSL_R_BAD_DH_VALUE, -EPROTO,
	  "the peer's key share is not in its group: it is broken or hostile",
	},
	{ SSL_R_WRONG_CURVE, -EPROTO, "the peer chose a group we did not offer" },
	{ SSL_R_DH_KEY_TOO_SMALL, -EPROTO, "the peer's Diffie-Hellman group is too small" },
	{ SSL_R_EE_KEY_TOO_SMALL, -EPROTO, "the peer's key is too short" },
	{ SSL_R_DIGEST_CHECK_FAILED, -EPROTO,
	  "the peer's Finished is wrong: bytes were changed on the way, or it is broken",
	},
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, -EPROTO,
	  "the peer lacks secure renegotiation (RFC 5746): update it",
	},
};

/* What we wait for in each state: else the rest of the handshake. */
static const struct {
	OSSL_HANDSHAKE_STATE state;
	const char *text;
} waits[] = {
	{ TLS_ST_BEFORE, "its ClientHello" },
	{ TLS_ST_CW_CLNT_HELLO, "its ServerHello" },
	{ TLS_ST_CR_SRVR_HELLO, "its certificate" },
	{ TLS_ST_CR_CERT, "its key exchange or proof of its key" },
	{ TLS_ST_CR_KEY_EXCH, "its ServerHelloDone" },
	{ TLS_ST_CR_CERT_VRFY, "its Finished" },
	{ TLS_ST_CW_FINISHED, "its Finished" },
	{ TLS_ST_SW_SRVR_DONE, "its key exchange" },
	{ TLS_ST_SR_KEY_EXCH, "its Finished" },
	{ TLS_ST_SW_FINISHED, "its Finished" },
};

static const char *awaited(const SSL *ssl)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

	for (size_t i = 0; i < LENGTH(waits); i++)
		if (waits[i].state == state)
			return waits[i].text;
	return "the rest of its handshake";
}

/* " (we sent alert 51 decrypt_error)", or nothing. */
static const char *describe_our_alert(const struct ktlsx_conn *conn, char *text, size_t size)
{
	const struct ktlsx_alert_seen *ours = &conn->alerts[KTLSX_TX];

	text[0] = '\0';
	if (ours->is_seen)
		snprintf(text, size, " (we sent alert %u %s)", ours->description,
			 ktlsx_alert_name(ours->description));
	return text;
}

static const char *remedy_of(long result)
{
	for (size_t i = 0; i < LENGTH(verifications); i++)
		if (verifications[i].result == result)
			return verifications[i].remedy;
	return result == X509_V_OK ? "see the peer's certificate and this config" :
				     "have the peer get another certificate";
}

static int of_reason(struct ktlsx_conn *conn, unsigned long code, const char *alert)
{
	const char *text = ERR_reason_error_string(code), *remedy = "the peer broke the protocol";
	int err = -EPROTO;

	for (size_t i = 0; i < LENGTH(reasons); i++) {
		if (ERR_GET_LIB(code) == ERR_LIB_SSL && reasons[i].reason == ERR_GET_REASON(code)) {
			err = reasons[i].err;
			remedy = reasons[i].remedy;
		}
	}
	return ktlsx_fail(&conn->error, err, "handshake: %s: %s: %s%s", ktlsx_errno_name(err),
			  text ? text : "OpenSSL failed without a reason", remedy, alert);
}

/* What libssl says, before what a library below it or a state above it says. Empties the queue. */
static unsigned long take_code(void)
{
	unsigned long code = ERR_get_error(), first = code;

	while (code && ERR_GET_LIB(code) != ERR_LIB_SSL)
		code = ERR_get_error();
	ERR_clear_error();
	return code ? code : first;
}

/**
 * ktlsx_failure_of_openssl() - why SSL_do_handshake() failed
 * @conn: a connection whose SSL object is still there, the error queue untouched
 *
 * Return: -EPROTO the peer broke the protocol, sent an alert, or nothing suits
 * both; -EACCES we did not accept its certificate; -ENOMEM; -EIO OpenSSL gave no
 * reason.
 */
int ktlsx_failure_of_openssl(struct ktlsx_conn *conn)
{
	const struct ktlsx_alert_seen *theirs = &conn->alerts[KTLSX_RX];
	const char *cause = ktlsx_trust_cause(conn->ssl);
	unsigned long code = take_code();
	char text[64];
	const char *alert = describe_our_alert(conn, text, sizeof(text));

	if (theirs->is_seen && !conn->alerts[KTLSX_TX].is_seen)
		return ktlsx_fail(&conn->error, -EPROTO,
				  "handshake: EPROTO: the peer sent alert %u %s: %s",
				  theirs->description, ktlsx_alert_name(theirs->description),
				  ktlsx_alert_meaning(theirs->description));
	if (cause)
		return ktlsx_fail(&conn->error, -EACCES,
				  "handshake: EACCES: the peer is not accepted: %s: %s%s", cause,
				  remedy_of(SSL_get_verify_result(conn->ssl)), alert);
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return ktlsx_fail(&conn->error, -ENOMEM,
				  "handshake: ENOMEM: no memory for OpenSSL");
	return of_reason(conn, code, alert);
}

/**
 * ktlsx_failure_of_eof() - the peer closed in the middle of the handshake
 * @conn: a connection whose SSL object is still there
 *
 * Return: -ECONNRESET.
 */
int ktlsx_failure_of_eof(struct ktlsx_conn *conn)
{
	return ktlsx_fail(&conn->error, -ECONNRESET,
			  "handshake: ECONNRESET: the peer closed the connection while we waited for %s: its log may say why",
			  awaited(conn->ssl));
}

/**
 * ktlsx_failure_of_silence() - the time was up
 * @conn: a connection whose SSL object is still there
 *
 * Return: -ETIMEDOUT.
 */
int ktlsx_failure_of_silence(struct ktlsx_conn *conn)
{
	const char *what = BIO_ctrl_pending(conn->pump.out) ? "it to take what we sent" :
							     awaited(conn->ssl);

	return ktlsx_fail(&conn->error, -ETIMEDOUT,
			  "handshake: ETIMEDOUT: after %u ms we still waited for %s: the peer or the network hangs, or ktlsx_config_set_limits() allows too little",
			  conn->timeout_ms, what);
}
