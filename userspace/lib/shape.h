/* SPDX-License-Identifier: MIT */
/*
 * What the files of the config side do for config.c and context.c: finish a
 * config when it is frozen, carry it over to an SSL object, drop it.
 */
#ifndef KTLSX_SHAPE_H
#define KTLSX_SHAPE_H

#include "config.h"

/* context.c */
int ktlsx_context_new(struct ktlsx_config *config);

/* offer.c */
int ktlsx_offer_freeze(struct ktlsx_config *config);
bool ktlsx_offer_has_version(const struct ktlsx_config *config, uint16_t version);
bool ktlsx_offer_has_suite(const struct ktlsx_config *config, uint16_t id);
int ktlsx_offer_carry(const struct ktlsx_config *config, SSL *ssl);
void ktlsx_offer_drop(struct ktlsx_config *config);

/* alpn.c */
bool ktlsx_alpn_is_set(const struct ktlsx_config *config, const uint8_t *name, size_t len);
void ktlsx_alpn_drop(struct ktlsx_config *config);

/* chain.c */
int ktlsx_chain_freeze(struct ktlsx_config *config);
int ktlsx_chain_identity(const struct ktlsx_config *config, EVP_MD_CTX *digest);
void ktlsx_chain_drop(struct ktlsx_config *config);

/* trust.c */
int ktlsx_trust_freeze(struct ktlsx_config *config);
int ktlsx_trust_carry(const struct ktlsx_config *config, SSL *ssl);
int ktlsx_trust_expect(const struct ktlsx_config *config, SSL *ssl, const char *name,
		       struct ktlsx_error *error);
void ktlsx_trust_drop(struct ktlsx_config *config);

/* ocsp.c */
int ktlsx_ocsp_freeze(struct ktlsx_config *config);

/* resumption.c */
int ktlsx_resumption_apply(struct ktlsx_config *config);
int ktlsx_resumption_freeze(struct ktlsx_config *config);
int ktlsx_resumption_carry(const struct ktlsx_config *config, SSL *ssl);
int ktlsx_resumption_bind(const struct ktlsx_config *config, SSL *ssl, const char *server_name);

/* psk.c */
int ktlsx_psk_freeze(struct ktlsx_config *config);
void ktlsx_psk_carry(const struct ktlsx_config *config, SSL *ssl);
void ktlsx_psk_drop(struct ktlsx_config *config);

/* branch.c */
int ktlsx_branch_on_hello(SSL *ssl, int *alert, void *arg);
int ktlsx_branch_freeze(struct ktlsx_config *config);
void ktlsx_branch_drop(struct ktlsx_config *config);

#endif /* KTLSX_SHAPE_H */
