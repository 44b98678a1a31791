/* harness/cli/starter.h - what `chaos-run init` writes: starter.json, built in. */
#ifndef CHAOS_CLI_STARTER_H
#define CHAOS_CLI_STARTER_H

#include "harness/scenario/embedded.h"

extern const struct embedded_text embedded_starter[];

#endif
