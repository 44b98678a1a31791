/* check_marks.h - libcheck without a message to its parent for each assertion.
 *
 * Every assertion that holds tells the process that runs the tests where it was,
 * for the line `after this point` of a crash: a write to a pipe, dearer than most
 * of what is asserted here in loops. The first few hundred of a test do so, which
 * is all of nearly every test; of the rest only every 256th. Each thread counts its own.
 *
 * meson.build includes this in front of each unit test.
 */
#ifndef TESTS_CHECK_MARKS_H
#define TESTS_CHECK_MARKS_H

#include <check.h>

static inline void check_mark(const char *file, int line)
{
        static _Thread_local unsigned int marks;

        if (++marks < 256 || marks % 256 == 0)
                _mark_point(file, line);
}
#define _mark_point check_mark

#endif
