/* policy_main.h - the main() of a test binary: one suite, its tests in a row. */
#ifndef POLICY_MAIN_H
#define POLICY_MAIN_H

#include <check.h>

#define NS_S INT64_C(1000000000)
#define NS_MS INT64_C(1000000)

#define POLICY_MAIN(suite_name, ...)                                                               \
        int main(void)                                                                             \
        {                                                                                          \
                const TTest *const tests[] = {__VA_ARGS__};                                        \
                Suite *suite = suite_create(suite_name);                                           \
                TCase *tcase = tcase_create(suite_name);                                           \
                SRunner *runner;                                                                   \
                int failed;                                                                        \
                                                                                                   \
                tcase_set_timeout(tcase, 120);                                                     \
                for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                      \
                        tcase_add_test(tcase, tests[i]);                                           \
                suite_add_tcase(suite, tcase);                                                     \
                runner = srunner_create(suite);                                                    \
                srunner_run_all(runner, CK_ENV);                                                   \
                failed = srunner_ntests_failed(runner);                                            \
                srunner_free(runner);                                                              \
                return failed != 0;                                                                \
        }

#endif
