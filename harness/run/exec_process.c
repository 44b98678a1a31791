/* exec_process.c - starting, feeding, reading and ending the program.
 *
 * Both pipes are non-blocking on our side and every wait is a poll of at most
 * SLICE_MS, so that a request to stop is seen. A program that writes before it
 * has read all of our line does no harm: its output is collected meanwhile.
 */
#include "harness/run/exec_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/patience.h"
#include "harness/run/exec_healer.h"

enum { SLICE_MS = 100, END_SLICE_MS = 10, READ_SIZE = 65536 };

extern char **environ;

struct exec_process {
        pid_t pid;
        int to, from; /* -1: closed */
        const volatile sig_atomic_t *stop;
        char *buffer;
        size_t used, room;
        size_t taken; /* bytes of the line that was handed out last, with its end */
        struct patience patience; /* with this answer */
};

int64_t exec_clock_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t exec_thought_ns(int64_t from_ns)
{
        struct patience patience = patience_begin(from_ns);

        return patience_spent_within_ns(&patience, exec_clock_ns(), 0, EXEC_ANSWER_NS);
}

/* ---- starting */

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* Runs in the child between fork and exec, as posix_spawn does it. */
static bool child_files(posix_spawn_file_actions_t *files, int in, int out, const char *folder)
{
        return posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO) == 0 &&
               posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO) == 0 &&
               (folder == NULL || posix_spawn_file_actions_addchdir_np(files, folder) == 0);
}

/* Signals as a fresh program has them, and a group of its own: a Ctrl-C is ours
 * to handle, and a kill reaches its children too. */
static bool child_signals(posix_spawnattr_t *attributes)
{
        sigset_t none, usual;

        sigemptyset(&none);
        sigemptyset(&usual);
        sigaddset(&usual, SIGPIPE);
        sigaddset(&usual, SIGXFSZ);
        sigaddset(&usual, SIGINT);
        sigaddset(&usual, SIGTERM);
        sigaddset(&usual, SIGHUP);
        return posix_spawnattr_setsigdefault(attributes, &usual) == 0 &&
               posix_spawnattr_setsigmask(attributes, &none) == 0 &&
               posix_spawnattr_setpgroup(attributes, 0) == 0 &&
               posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                            POSIX_SPAWN_SETPGROUP) == 0;
}

/* 0, or an errno. */
static int spawn(pid_t *pid, const char *const *argv, const char *folder, int in, int out)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int err = ENOMEM;

        if (posix_spawn_file_actions_init(&files) != 0)
                return ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0)
                goto free_files;
        if (child_files(&files, in, out, folder) && child_signals(&attributes))
                err = posix_spawnp(pid, argv[0], &files, &attributes,
                                   (char *const *)(uintptr_t)argv, environ);
        posix_spawnattr_destroy(&attributes);
free_files:
        posix_spawn_file_actions_destroy(&files);
        return err;
}

static const char *spawn_reason(int err)
{
        switch (err) {
        case ENOENT:
                return "there is no such program";
        case EACCES:
        case ENOEXEC:
                return "it is no program that may be run";
        case EMFILE:
        case ENFILE:
                return "too many files are open";
        case ENOMEM:
                return "out of memory";
        default:
                return "it cannot be started";
        }
}

static bool set_nonblocking(int fd)
{
        return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

struct exec_process *exec_process_start(const char *const *argv, const char *folder,
                                        const volatile sig_atomic_t *stop, const char **why)
{
        struct exec_process *process = calloc(1, sizeof(*process));
        int in[2] = {-1, -1}, out[2] = {-1, -1};
        int err = ENOMEM;

        if (process == NULL)
                goto failed;
        process->to = process->from = -1;
        process->stop = stop;
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
                err = errno;
                goto failed;
        }
        err = spawn(&process->pid, argv, folder, in[0], out[1]);
        if (err != 0)
                goto failed;
        close_fd(&in[0]);
        close_fd(&out[1]);
        process->to = in[1];
        process->from = out[0];
        if (set_nonblocking(process->to) && set_nonblocking(process->from))
                return process;
        exec_process_end(process, 0);
        *why = spawn_reason(0);
        return NULL;
failed:
        close_fd(&in[0]);
        close_fd(&in[1]);
        close_fd(&out[0]);
        close_fd(&out[1]);
        free(process);
        *why = spawn_reason(err);
        return NULL;
}

/* ---- speaking */

static bool stopped(const struct exec_process *process)
{
        return process->stop != NULL && *process->stop != 0;
}

/* Takes in what there is. False when its output has ended or is too much. */
static bool collect(struct exec_process *process, const char **why)
{
        char *grown;
        ssize_t got;

        if (process->used + READ_SIZE + 1 > process->room) {
                process->room = process->used * 2 + READ_SIZE + 1;
                grown = realloc(process->buffer, process->room);
                if (grown == NULL) {
                        *why = "out of memory";
                        return false;
                }
                process->buffer = grown;
        }
        got = read(process->from, process->buffer + process->used, READ_SIZE);
        if (got > 0)
                process->used += (size_t)got;
        if (got > 0 && process->used - process->taken > EXEC_LINE_MAX) {
                *why = "its answer is longer than 16 MiB";
                return false;
        }
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                *why = "it ended, or closed its output";
                return false;
        }
        return true;
}

/* Waits until the pipe that is asked for is ready. */
static bool wait_for(struct exec_process *process, bool writing, const char **why)
{
        int64_t slept_ns = 0;
        struct pollfd fds[2] = {{.fd = process->from, .events = POLLIN},
                                {.fd = writing ? process->to : -1, .events = POLLOUT}};

        for (;;) {
                int64_t spent_ns = patience_spent_ns(&process->patience, exec_clock_ns(), slept_ns);
                int64_t left_ms = (EXEC_ANSWER_NS - spent_ns + 999999) / 1000000;
                int slice_ms = left_ms < SLICE_MS ? (int)left_ms : SLICE_MS, ready;

                if (stopped(process) || left_ms <= 0) {
                        *why = stopped(process) ? "the run was stopped" : "it gave no answer within 5 s";
                        return false;
                }
                ready = poll(fds, 2, slice_ms);
                if (ready > 0)
                        return true;
                slept_ns = ready == 0 ? slice_ms * INT64_C(1000000) : 0;
        }
}

void exec_process_allow_time(struct exec_process *process)
{
        process->patience = patience_begin(exec_clock_ns());
}

bool exec_process_send(struct exec_process *process, const char *line, size_t length,
                       const char **why)
{
        size_t sent = 0;

        while (sent < length) {
                ssize_t put = write(process->to, line + sent, length - sent);

                if (put > 0) {
                        sent += (size_t)put;
                        continue;
                }
                if (errno == EPIPE) {
                        *why = "it ended, or closed its input";
                        return false;
                }
                if (errno != EAGAIN && errno != EINTR) {
                        *why = "it cannot be written to";
                        return false;
                }
                if (!wait_for(process, true, why))
                        return false;
                if (!collect(process, why))
                        return false;
        }
        return true;
}

const char *exec_process_receive(struct exec_process *process, size_t *length, const char **why)
{
        size_t looked = 0;
        char *end;

        process->used -= process->taken;
        if (process->taken > 0 && process->used > 0)
                memmove(process->buffer, process->buffer + process->taken, process->used);
        process->taken = 0;
        for (;;) {
                end = process->used > looked
                              ? memchr(process->buffer + looked, '\n', process->used - looked)
                              : NULL;
                if (end != NULL)
                        break;
                looked = process->used;
                if (!wait_for(process, false, why) || !collect(process, why))
                        return NULL;
        }
        *end = '\0';
        *length = (size_t)(end - process->buffer);
        process->taken = *length + 1;
        return process->buffer;
}

/* ---- ending */

/* Looks only: until it is waited for, its number is nobody else's. */
static bool gone(const struct exec_process *process)
{
        siginfo_t info = {0};

        return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid != 0;
}

void exec_process_end(struct exec_process *process, int64_t grace_ns)
{
        struct patience patience = patience_begin(exec_clock_ns());
        int64_t slept_ns = 0;
        bool left = false;

        if (process == NULL)
                return;
        close_fd(&process->to);
        while (!left && !stopped(process) &&
               patience_spent_ns(&patience, exec_clock_ns(), slept_ns) < grace_ns) {
                struct pollfd output = {.fd = process->from, .events = POLLIN};
                int ready = poll(&output, 1, END_SLICE_MS); /* its output ends with it: that wakes us */
                char rest[4096];

                slept_ns = ready == 0 ? END_SLICE_MS * INT64_C(1000000) : 0;
                if (ready > 0 && read(process->from, rest, sizeof(rest)) <= 0) {
                        poll(NULL, 0, 1);
                        slept_ns = 1000000;
                }
                left = gone(process);
        }
        kill(-process->pid, SIGKILL); /* children of its own too */
        (void)waitpid(process->pid, NULL, 0);
        close_fd(&process->from);
        free(process->buffer);
        free(process);
}
