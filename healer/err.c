/* err.c - the words for each error code.
 *
 * A table in the order of the enum; a code from outside it (an int cast by a
 * caller, a newer library) has words too, so that a log line is never empty.
 */
#include "healer/err.h"

static const char *const texts[HEALER_ERR_COUNT] = {
        [HEALER_OK] = "ok",
        [HEALER_E_RANGE] = "a value is outside its range",
        [HEALER_E_NOMEM] = "out of memory",
        [HEALER_E_SIZE] = "the config's size is not one this library knows",
        [HEALER_E_STATE] = "not allowed in this state",
        [HEALER_E_FULL] = "no place left",
        [HEALER_E_NOT_FOUND] = "not found",
        [HEALER_E_EXISTS] = "exists already",
        [HEALER_E_BUSY] = "in use",
        [HEALER_E_REFUSED] = "refused by a policy",
        [HEALER_E_TIMEOUT] = "timed out",
        [HEALER_E_CANCELLED] = "cancelled",
        [HEALER_E_FAILED] = "failed",
        [HEALER_E_CYCLE] = "dependencies form a cycle",
        [HEALER_E_FORMAT] = "malformed",
        [HEALER_E_IO] = "reading or writing failed",
};

const char *healer_err_text(enum healer_err err)
{
        if ((unsigned)err >= HEALER_ERR_COUNT)
                return "unknown error";
        return texts[err];
}
