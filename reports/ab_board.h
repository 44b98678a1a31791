/* reports/ab_board.h - one verdict over several scenarios.
 *
 * A comparison is made in each scenario by itself (ab.h); the board puts them
 * side by side, scenario by strategy, and says of each strategy what holds over
 * all of them:
 *
 * - A claim that B is better or worse somewhere stands when it stood there and
 *   its p, adjusted once more by Holm over all questions that decide in all
 *   scenarios, is still below alpha.
 * - The primary is pooled: each scenario's mean benefit for B, in margins of that
 *   scenario (so that requests of a large shop weigh no more than those of a
 *   small one), averaged with equal weights; its limits are the mean of limits
 *   that hold together.
 * - B is worse when it is worse anywhere, a trade-off when also better anywhere;
 *   better when the pooled primary is above 0 and every guardrail is within its
 *   margin in every scenario; equivalent when it is that everywhere; identical
 *   when nothing differs anywhere; else inconclusive.
 */
#ifndef CHAOS_REPORTS_AB_BOARD_H
#define CHAOS_REPORTS_AB_BOARD_H

#include <jansson.h>

#include "reports/text.h"

#define AB_BOARD_SCHEMA "chaos-run/comparison/1"

struct ab_board;

/* NULL when memory is out. */
struct ab_board *ab_board_create(void);
void ab_board_destroy(struct ab_board *board);

/* Adds a result with an `ab` object; `label` tells scenarios of one file apart,
 * "" where there is one. All of a board compare the same strategies. False when
 * memory is out. */
bool ab_board_add(struct ab_board *board, const json_t *result, const char *label);

size_t ab_board_count(const struct ab_board *board);

/* The whole comparison; `*exit_code` is 0, 6 or 7 by the verdicts over all. A new
 * reference; NULL when memory is out. */
json_t *ab_board_json(const struct ab_board *board, int *exit_code);

/* Of that, for a terminal and for a pull request. */
void ab_board_screen(const json_t *comparison, struct text *out);
void ab_board_markdown(const json_t *comparison, struct text *out);

#endif
