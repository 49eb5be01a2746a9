// SPDX-License-Identifier: MIT
/*
 * Owns: findings about programs that could use kernel TLS: OpenSSL's
 * configuration, nginx's.
 * Must not know: other findings.
 * Concurrency: none; runs nginx -T as a child.
 * Spec: config(5ssl), SSL_CONF_cmd(3); nginx's ngx_http_ssl_module.
 */
#include <ctype.h>
#include <glob.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define CONFIGURATION_LEN_MAX (4 << 20)

/* What a program gets that just makes a context: the default section of openssl.cnf. */
static bool is_ktls_default(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	bool is_on = ctx && SSL_CTX_get_options(ctx) & SSL_OP_ENABLE_KTLS;

	SSL_CTX_free(ctx);
	return is_on;
}

/**
 * ktlsx_doctor_openssl() - which OpenSSL, and does it use kernel TLS by itself?
 * @doctor: gets the findings
 */
void ktlsx_doctor_openssl(struct ktlsx_doctor *doctor)
{
	const char *version = OpenSSL_version(OPENSSL_VERSION);

	if (OPENSSL_version_major() != OPENSSL_VERSION_MAJOR)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "openssl",
				  "build ktlsx against the OpenSSL that is installed",
				  "%s runs, but this command was built against %s", version,
				  OPENSSL_VERSION_TEXT);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "openssl", NULL, "%s", version);
	ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "openssl-ktls", NULL, "%s",
			  is_ktls_default() ?
			  "openssl.cnf switches kernel TLS on for every OpenSSL program" :
			  "openssl.cnf leaves kernel TLS off; Options = KTLS in its ssl_conf section switches it on");
}

/**
 * struct nginx - what an nginx configuration says
 * @has_tls: it serves TLS somewhere
 * @has_sendfile: sendfile on, somewhere
 * @has_ktls: ssl_conf_command Options KTLS, somewhere
 */
struct nginx {
	bool has_tls;
	bool has_sendfile;
	bool has_ktls;
};

/* One directive, in words with one blank around each. */
static void read_directive(const char *words, struct nginx *nginx)
{
	if (!strncmp(words, " listen ", 8) && strstr(words, " ssl "))
		nginx->has_tls = true;
	if (!strcmp(words, " ssl on "))
		nginx->has_tls = true;
	if (!strcmp(words, " sendfile on "))
		nginx->has_sendfile = true;
	if (!strncmp(words, " ssl_conf_command Options ", 26) && strstr(words, "KTLS") &&
	    !strstr(words, "-KTLS"))
		nginx->has_ktls = true;
}

/* Directives end with ; { or }; comments end with their line; quotes are left out. */
static void read_configuration(const char *text, struct nginx *nginx)
{
	char words[512] = " ";
	size_t len = 1;

	for (; *text; text++) {
		if (*text == '#') {
			text += strcspn(text, "\n");
			if (!*text)
				break;
		}
		if (strchr(";{}", *text)) {
			if (words[len - 1] != ' ')
				words[len++] = ' ';
			words[len] = '\0';
			read_directive(words, nginx);
			len = 1;
		} else if (isspace((unsigned char)*text)) {
			if (words[len - 1] != ' ' && len < sizeof(words) - 2)
				words[len++] = ' ';
		} else if (!strchr("'\"", *text) && len < sizeof(words) - 2) {
			words[len++] = *text;
		}
	}
}

static size_t append(char *text, size_t len, FILE *file)
{
	if (file && len < CONFIGURATION_LEN_MAX)
		len += fread(text + len, 1, CONFIGURATION_LEN_MAX - len, file);
	text[len] = '\0';
	return len;
}

/* nginx itself knows best what it reads, but may be asked by root only. */
static size_t ask_nginx(const char *program, char *text)
{
	char command[128];
	FILE *child;
	size_t len;

	if (getuid())
		return 0;
	snprintf(command, sizeof(command), "timeout 10 %s -T 2> /dev/null < /dev/null", program);
	child = popen(command, "re");
	len = append(text, 0, child);
	return child && !pclose(child) ? len : 0;
}

static size_t read_files(char *text)
{
	static const char *const patterns[] = {
		"/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*",
	};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			FILE *file = fopen(found.gl_pathv[j], "re");

			len = append(text, len, file);
			if (file)
				fclose(file);
		}
		globfree(&found);
	}
	return len;
}

static void judge_nginx(struct ktlsx_doctor *doctor, const struct nginx *nginx)
{
	if (!nginx->has_tls) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "nginx", NULL,
				  "nginx is here and serves no TLS");
		return;
	}
	if (nginx->has_ktls && nginx->has_sendfile)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "nginx", NULL,
				  "nginx serves TLS with sendfile and kernel TLS");
	if (!nginx->has_sendfile)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "nginx",
				  "in nginx.conf, in http or server: sendfile on;",
				  "nginx serves TLS without sendfile: files pass through userspace");
	if (!nginx->has_ktls)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "nginx",
				  "in nginx.conf, in http or server: ssl_conf_command Options KTLS;",
				  "nginx serves TLS, and does the records itself");
}

/**
 * ktlsx_doctor_nginx() - does nginx make use of kernel TLS?
 * @doctor: gets the findings
 */
void ktlsx_doctor_nginx(struct ktlsx_doctor *doctor)
{
	static const char *const programs[] = { "/usr/sbin/nginx", "/usr/local/nginx/sbin/nginx" };
	struct nginx nginx = { .has_tls = false };
	const char *program = NULL;
	char *text;

	for (size_t i = 0; !program && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!access(programs[i], X_OK))
			program = programs[i];
	if (!program) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "nginx", NULL, "nginx is not here");
		return;
	}
	text = malloc(CONFIGURATION_LEN_MAX + 1);
	if (text && (ask_nginx(program, text) || read_files(text))) {
		read_configuration(text, &nginx);
		judge_nginx(doctor, &nginx);
	} else {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "nginx", "run this as root",
				  "nginx is here, but its configuration cannot be read");
	}
	free(text);
}
