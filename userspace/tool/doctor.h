/* SPDX-License-Identifier: MIT */
/*
 * Findings, and the groups that make them. One thread.
 */
#ifndef KTLSX_DOCTOR_H
#define KTLSX_DOCTOR_H

#include "report.h"

enum ktlsx_level {
	KTLSX_LEVEL_OK,
	KTLSX_LEVEL_WARNING,	/* works, but not as it could */
	KTLSX_LEVEL_PROBLEM,
	KTLSX_LEVEL_COUNT,
};

/**
 * struct ktlsx_doctor - what was found so far
 * @report: where to
 * @findings: for JSON; else NULL
 * @counts: by level
 */
struct ktlsx_doctor {
	struct ktlsx_report report;
	struct json_object *findings;
	unsigned int counts[KTLSX_LEVEL_COUNT];
};

void ktlsx_doctor_find(struct ktlsx_doctor *doctor, enum ktlsx_level level, const char *topic,
		       const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

void ktlsx_doctor_module(struct ktlsx_doctor *doctor);
void ktlsx_doctor_boot(struct ktlsx_doctor *doctor);
void ktlsx_doctor_cpu(struct ktlsx_doctor *doctor);
void ktlsx_doctor_openssl(struct ktlsx_doctor *doctor);
void ktlsx_doctor_nginx(struct ktlsx_doctor *doctor);
void ktlsx_doctor_loopback(struct ktlsx_doctor *doctor);

#endif /* KTLSX_DOCTOR_H */
