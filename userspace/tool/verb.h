/* SPDX-License-Identifier: MIT */
/*
 * The verbs of the command: each gets its own name as argv[0].
 */
#ifndef KTLSX_VERB_H
#define KTLSX_VERB_H

#include "exit.h"

enum ktlsx_exit ktlsx_verb_accept(int argc, char **argv);
enum ktlsx_exit ktlsx_verb_ciphers(int argc, char **argv);
enum ktlsx_exit ktlsx_verb_connect(int argc, char **argv);
enum ktlsx_exit ktlsx_verb_doctor(int argc, char **argv);
enum ktlsx_exit ktlsx_verb_stat(int argc, char **argv);

#endif /* KTLSX_VERB_H */
