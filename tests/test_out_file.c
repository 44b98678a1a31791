/* Tests of harness/base/out_file.h: a file is there whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "harness/base/in_file.h"
#include "report_sample.h"

static char folder[64];

static void setup(void)
{
        folder_make(folder);
}

static void teardown(void)
{
        folder_remove(folder);
}

static int count_entries(void)
{
        DIR *dir = opendir(folder);
        int count = 0;

        ck_assert_ptr_nonnull(dir);
        while (readdir(dir) != NULL)
                count++;
        closedir(dir);
        return count - 2;
}

START_TEST(what_was_written_is_there)
{
        struct out_error error = {""};
        char *bytes;

        ck_assert(out_file_write(folder, "a.txt", "hello", 5, &error));
        bytes = folder_read(folder, "a.txt");
        ck_assert_str_eq(bytes, "hello");
        free(bytes);
        ck_assert_int_eq(count_entries(), 1);
        ck_assert_str_eq(error.message, "");
}
END_TEST

START_TEST(others_may_read_what_the_umask_lets_them)
{
        struct out_error error = {""};
        struct stat status;
        char path[128];

        umask(022);
        ck_assert(out_file_write(folder, "a.txt", "x", 1, &error));
        snprintf(path, sizeof(path), "%s/a.txt", folder);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0644);
}
END_TEST

/* A file size limit behaves as a full disk does: the write comes back short. */
START_TEST(while_it_is_written_nobody_else_may_look_whatever_the_umask_is)
{
        struct out_error error = {.message = ""};
        struct out_file file;
        struct stat status;
        char *path;

        umask(0);
        ck_assert_msg(out_file_begin(&file, folder, "secret.txt", &error), "%s", error.message);
        ck_assert_int_eq(stat(file.hidden, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0600);
        ck_assert(out_file_commit(&file));
        ck_assert(out_file_hide(folder, ".x.tmp", &error));
        path = out_path(folder, ".x.tmp");
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0600);
        free(path);
        ck_assert(out_file_settle(folder, ".x.tmp", "x", &error));
        path = out_path(folder, "x");
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_int_eq(status.st_mode & 0777, 0666);
        free(path);
}
END_TEST

START_TEST(a_link_in_place_of_a_file_that_is_to_be_filled_is_not_followed)
{
        struct out_error error = {.message = ""};
        char *victim = out_path(folder, "victim"), *bait = out_path(folder, ".x.tmp");
        struct stat status;

        folder_put(folder, "victim", "precious");
        ck_assert_int_eq(symlink(victim, bait), 0);
        ck_assert(out_file_hide(folder, ".x.tmp", &error));
        ck_assert_int_eq(lstat(bait, &status), 0);
        ck_assert(S_ISREG(status.st_mode));
        ck_assert_int_eq(unlink(bait), 0);
        ck_assert_int_eq(symlink(victim, bait), 0);
        ck_assert(!out_file_settle(folder, ".x.tmp", "x", &error)); /* it was put there since */
        ck_assert(!folder_has(folder, "x"));
        free(victim);
        free(bait);
}
END_TEST

START_TEST(a_disk_that_fills_up_leaves_the_old_file_and_no_other)
{
        struct rlimit limit = {4096, RLIM_INFINITY};
        struct out_error error = {""};
        char *bytes, *large = calloc(1, 1 << 20);

        ck_assert_ptr_nonnull(large);
        memset(large, 'x', 1 << 20);
        ck_assert(out_file_write(folder, "a.txt", "old", 3, &error));
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert(!out_file_write(folder, "a.txt", large, 1 << 20, &error));
        limit.rlim_cur = RLIM_INFINITY;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_ptr_nonnull(strstr(error.message, "a.txt: cannot write: File too large"));
        bytes = folder_read(folder, "a.txt");
        ck_assert_str_eq(bytes, "old");
        ck_assert_int_eq(count_entries(), 1);
        free(bytes);
        free(large);
}
END_TEST

START_TEST(a_device_that_is_full_is_an_error_with_a_message)
{
        struct out_error error = {""};
        struct out_file file;

        ck_assert(out_file_begin(&file, folder, "a.txt", &error));
        file.stream = freopen("/dev/full", "w", file.stream);
        ck_assert_ptr_nonnull(file.stream);
        out_file_add(&file, "x", 1);
        ck_assert(!out_file_commit(&file));
        ck_assert_ptr_nonnull(strstr(error.message, "No space left on device"));
        ck_assert_int_eq(count_entries(), 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error_with_a_message)
{
        struct out_error error = {""};

        ck_assert(!out_file_write("/nonexistent/folder", "a.txt", "x", 1, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/folder/a.txt: cannot create: "));
}
END_TEST

START_TEST(what_is_no_ordinary_file_is_not_replaced)
{
        static const char *const names[] = {"pipe", "folder"};
        struct stat status;
        char path[128];

        snprintf(path, sizeof(path), "%s/pipe", folder);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        snprintf(path, sizeof(path), "%s/folder", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                struct out_error error = {""};

                ck_assert(!out_file_write(folder, names[i], "x", 1, &error));
                ck_assert_ptr_nonnull(strstr(error.message, "cannot write: "));
                ck_assert(out_file_hide(folder, ".hidden", &error));
                error.message[0] = '\0';
                ck_assert(!out_file_settle(folder, ".hidden", names[i], &error));
                ck_assert_ptr_nonnull(strstr(error.message, "cannot write: "));
                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                ck_assert_int_eq(lstat(path, &status), 0);
                ck_assert(!S_ISREG(status.st_mode));
                snprintf(path, sizeof(path), "%s/.hidden", folder);
                unlink(path);
        }
        ck_assert_int_eq(count_entries(), 2);
}
END_TEST

/* Nobody writes to the pipe: it would wait for ever. */
START_TEST(only_ordinary_files_are_read)
{
        struct out_error error = {""};
        json_error_t wrong;
        char path[128];
        size_t length;

        snprintf(path, sizeof(path), "%s/pipe", folder);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_ptr_null(out_file_read(path, 100, &length, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "it is a pipe, not a file"));
        ck_assert_ptr_null(in_file_json(path, 0, &wrong));
        ck_assert_str_eq(wrong.text, "it is a pipe, not a file");
        ck_assert_ptr_null(in_file_json("/dev/zero", 0, NULL));
        ck_assert_ptr_null(in_file_json(folder, 0, &wrong));
        ck_assert_str_eq(wrong.text, strerror(EISDIR));
}
END_TEST

START_TEST(a_pipe_of_a_shell_is_read)
{
        struct out_error error = {""};
        char path[64], *text;
        size_t length;
        int ends[2];

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(write(ends[1], "{}", 2), 2);
        close(ends[1]);
        snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
        text = out_file_read(path, 100, &length, &error);
        ck_assert_msg(text != NULL, "%s", error.message);
        ck_assert_str_eq(text, "{}");
        free(text);
        close(ends[0]);
}
END_TEST

START_TEST(why_it_failed_is_said_whatever_the_length_of_the_name)
{
        struct out_error error = {""};
        char name[5000];

        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        for (size_t i = 100; i < 600; i++) /* an e with an acute accent: no half of one is left */
                memcpy(name + 2 * i, "\xc3\xa9", 2);
        ck_assert(!out_file_write(folder, name, "x", 1, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "File name too long"));
        ck_assert_int_eq(strncmp(error.message, folder, strlen(folder)), 0);
        ck_assert_ptr_nonnull(strstr(error.message, "\xc3\xa9 ... a"));
}
END_TEST

START_TEST(a_message_is_one_line_whatever_the_name)
{
        struct out_error error = {""};

        out_error_set(&error, "%s: cannot write", "a\nchaos-run: all is well\r");
        ck_assert_str_eq(error.message, "a?chaos-run: all is well?: cannot write");
}
END_TEST

START_TEST(an_abandoned_file_leaves_nothing)
{
        struct out_error error = {""};
        struct out_file file;

        ck_assert(out_file_begin(&file, folder, "a.txt", &error));
        out_file_add(&file, "x", 1);
        out_file_abandon(&file);
        ck_assert_int_eq(count_entries(), 0);
}
END_TEST

START_TEST(the_first_message_is_kept)
{
        struct out_error error = {""};

        out_error_set(&error, "first");
        out_error_set(&error, "second");
        ck_assert_str_eq(error.message, "first");
}
END_TEST

START_TEST(folders_are_made_with_those_above)
{
        struct out_error error = {""};
        char path[128];

        snprintf(path, sizeof(path), "%s/a/b/c", folder);
        ck_assert(out_folder_make(path, &error));
        ck_assert(out_folder_make(path, &error)); /* again: it is there */
        ck_assert(folder_has(folder, "a/b/c"));
}
END_TEST

START_TEST(a_file_in_the_way_of_a_folder_is_an_error)
{
        struct out_error error = {""};
        char path[128];

        folder_put(folder, "a", "");
        snprintf(path, sizeof(path), "%s/a/b", folder);
        ck_assert(!out_folder_make(path, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "cannot create the folder: Not a directory"));
}
END_TEST

START_TEST(only_what_is_not_there_empty_or_has_our_mark_may_be_replaced)
{
        static const struct {
                const char *content;
                bool ours;
        } files[] = {{"", true}, {"MARK", true}, {"a line\nMARK and more", true}, {"years of work", false}};
        struct out_error error = {""};
        char path[128], link[128];

        snprintf(path, sizeof(path), "%s/a", folder);
        snprintf(link, sizeof(link), "%s/link", folder);
        ck_assert(out_file_is_ours(path, "MARK", &error));
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                folder_put(folder, "a", files[i].content);
                ck_assert_int_eq(out_file_is_ours(path, "MARK", &error), files[i].ours);
        }
        ck_assert_ptr_nonnull(strstr(error.message, "is there already, and not of chaos-run"));
        folder_put(folder, "a", "MARK");
        ck_assert_int_eq(symlink(path, link), 0);
        ck_assert(!out_file_is_ours(link, "MARK", &error));
        ck_assert(!out_file_is_ours(folder, "MARK", &error));
        ck_assert(!out_file_is_ours("/dev/null", "MARK", &error));
}
END_TEST

START_TEST(a_folder_without_a_name_is_an_error)
{
        struct out_error error = {""};

        ck_assert(!out_folder_make("", &error));
        ck_assert_ptr_nonnull(strstr(error.message, "cannot create the folder: it has no name"));
}
END_TEST

START_TEST(a_file_larger_than_allowed_is_not_read)
{
        struct out_error error = {""};
        char path[128];
        size_t length;

        folder_put(folder, "a", "0123456789");
        snprintf(path, sizeof(path), "%s/a", folder);
        ck_assert_ptr_null(out_file_read(path, 5, &length, &error));
        ck_assert_ptr_nonnull(strstr(error.message, "too large"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("out_file");
        TCase *tests = tcase_create("files");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, what_was_written_is_there);
        tcase_add_test(tests, others_may_read_what_the_umask_lets_them);
        tcase_add_test(tests, while_it_is_written_nobody_else_may_look_whatever_the_umask_is);
        tcase_add_test(tests, a_link_in_place_of_a_file_that_is_to_be_filled_is_not_followed);
        tcase_add_test(tests, a_disk_that_fills_up_leaves_the_old_file_and_no_other);
        tcase_add_test(tests, a_device_that_is_full_is_an_error_with_a_message);
        tcase_add_test(tests, a_folder_that_is_not_there_is_an_error_with_a_message);
        tcase_add_test(tests, what_is_no_ordinary_file_is_not_replaced);
        tcase_add_test(tests, only_ordinary_files_are_read);
        tcase_add_test(tests, a_pipe_of_a_shell_is_read);
        tcase_add_test(tests, why_it_failed_is_said_whatever_the_length_of_the_name);
        tcase_add_test(tests, a_message_is_one_line_whatever_the_name);
        tcase_add_test(tests, an_abandoned_file_leaves_nothing);
        tcase_add_test(tests, the_first_message_is_kept);
        tcase_add_test(tests, folders_are_made_with_those_above);
        tcase_add_test(tests, a_file_in_the_way_of_a_folder_is_an_error);
        tcase_add_test(tests, a_folder_without_a_name_is_an_error);
        tcase_add_test(tests, only_what_is_not_there_empty_or_has_our_mark_may_be_replaced);
        tcase_add_test(tests, a_file_larger_than_allowed_is_not_read);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
