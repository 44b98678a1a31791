/* tests/effort.h - less of the same where a sanitizer makes everything slow.
 *
 * A test that repeats something until chance is ruled out shows nothing more of
 * memory, or of races, by the hundredth time. Its claim must hold at either number.
 */
#ifndef TESTS_EFFORT_H
#define TESTS_EFFORT_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EFFORT(full, sanitized) (sanitized)
#else
#define EFFORT(full, sanitized) (full)
#endif

#endif
