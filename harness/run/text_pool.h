/* harness/run/text_pool.h - each text once, for as long as a run is looked at.
 *
 * Journals of all worlds share one: what a healer or a fleet called something
 * outlives both. A text is copied the first time it comes. For threads: one
 * lock, held for a look-up.
 */
#ifndef CHAOS_RUN_TEXT_POOL_H
#define CHAOS_RUN_TEXT_POOL_H

struct text_pool;

/* NULL when memory is out. */
struct text_pool *text_pool_create(void);
void text_pool_destroy(struct text_pool *pool);

/* The pool's copy of `text`, "" for NULL. NULL when memory is out. */
const char *text_pool_keep(struct text_pool *pool, const char *text);

#endif
