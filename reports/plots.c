/* plots.c - which plots there are, and gnuplot at work.
 *
 * Every plot is a script of its own with its data inside. gnuplot is started
 * by name and with arguments, never through a shell; it reads no file of the
 * user's (-d), has a fixed locale, and draws into a hidden file that gets its
 * name when gnuplot ended well. Two run at a time; one that takes too long is
 * killed with all it started, and after the second of these no other is tried.
 *
 * The svg terminal gives the same bytes everywhere: encoding, decimal sign and
 * font are fixed by the script. A png is drawn with the fonts of the machine.
 */
#include "reports/plots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/patience.h"
#include "reports/embedded.h"
#include "reports/plots/kit.h"

#define WIDTH_PX 860
#define NARROW_PX 520 /* these two stand side by side on the first screen */
#define MIDDLE_PX 680
#define AT_ONCE 2
#define SECONDS_MAX 60
#define TOO_SLOW_MAX 2
#define SVG_BYTES_MAX (8u << 20)

const struct plot plot_rows[] = {
        {"waterfall", NARROW_PX, "What healing was worth",
         "From the failed requests without healing, what reacting and what predicting averted, to "
         "what is left; the harm that healing does by itself is part of what is left.",
         draw_waterfall, tell_waterfall},
        {"forest", WIDTH_PX, "How strategies differ",
         "Each strategy against A, with intervals that hold together, in shares of A's value. "
         "Grey: the difference that is allowed.",
         draw_forest, tell_forest},
        {"pairs", WIDTH_PX, "Pair by pair",
         "The metric that decides: the same replication under A and another strategy, the difference of "
         "each pair.",
         draw_pairs, tell_pairs},
        {"timeline", MIDDLE_PX, "Faults, harm and healing",
         "One lane each for the faults, for the time that users were hurt without and with "
         "healing, "
         "and for what the healer did.",
         draw_timeline, tell_timeline},
        {"latency", WIDTH_PX, "How long requests took",
         "Percentiles of the answer time that clients saw, on a logarithmic axis; lower is better.",
         draw_latency, tell_latency},
        {"errors", WIDTH_PX, "How many requests failed",
         "Share of the clients' requests that ended in an error; lower is better.", draw_errors,
         tell_errors},
        {"goodput", WIDTH_PX, "Availability and goodput",
         "Share of requests that were good, and good answers a second; higher is better.",
         draw_goodput, tell_goodput},
        {"recovery", WIDTH_PX, "How long until it was good again",
         "Share of the incidents still open after a time; the lower curve is the better one, a + "
         "is "
         "an incident that was open when the run ended.",
         draw_recovery, tell_recovery},
        {"prevention", WIDTH_PX, "Prevention and false alarms",
         "What became of the incidents that would have been without healing, by fault; and how "
         "often "
         "the healer cried wolf.",
         draw_prevention, tell_prevention},
        {"failure_types", WIDTH_PX, "Detection and recovery by type of failure",
         "Mean times with their 95 % intervals; shorter is better.", draw_by_type, tell_by_type},
        {"trend", WIDTH_PX, "Does healing get better during the run",
         "Mean time to restore of the incidents that began in each tenth of the run; falling is "
         "better.",
         draw_trend, tell_trend},
        {"effectiveness", WIDTH_PX, "Which actions work",
         "Share of the healings with that action that succeeded; the dotted line is at 70 %.",
         draw_effectiveness, tell_effectiveness},
        {"predictions", WIDTH_PX, "How good the predictions are",
         "Left: of predictions said with a confidence, the share that came true; dotted is perfect. "
         "Middle: precision "
         "and recall when only those from a confidence on, beside the dot, are heeded. Right: how "
         "long before the onset those that came true were said.",
         draw_predictions, tell_predictions},
        {"breakers", WIDTH_PX, "Circuit breakers",
         "When the breaker of a call was open or half open.", draw_breakers, tell_breakers},
        {"degradation", WIDTH_PX, "Degradation",
         "The level of each service over time; 0 is full service.", draw_degradation,
         tell_degradation},
        {"hours", WIDTH_PX, "Incidents by hour of the day",
         "In which hour of the day incidents began, all replications.", draw_hours, tell_hours},
        {"together", WIDTH_PX, "Who failed with whom",
         "How often incidents of two services began within a minute of one another.", draw_together,
         tell_together},
};
const size_t plot_row_count = sizeof(plot_rows) / sizeof(plot_rows[0]);

/* ---- scripts */

static void wrap_script(const char *name, const char *title, int width, int height,
                        const struct text *body, struct text *script)
{
        text_addf(script,
                  "# %s.gp - %s. Draw it again: gnuplot %s.gp\n"
                  "# As a png: gnuplot -e png=1 %s.gp\n"
                  "if (!exists('out')) out = '%s'.(exists('png') ? '.png' : '.svg')\n"
                  "if (exists('png')) {\n"
                  "set terminal pngcairo size %d,%d noenhanced font 'DejaVu Sans,20' "
                  "fontscale 1 linewidth 2 pointscale 2 background rgb '#ffffff'\n"
                  "} else {\n"
                  "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,13' name "
                  "'%s' background rgb '#ffffff'\n}\nset output out\n",
                  name, title, name, name, name, 2 * width, 2 * height, width, height, name);
        text_add(script, embedded_style_gp);
        text_add_bytes(script, text_bytes(body), body->length);
        text_add(script, "set output\n");
        script->failed = script->failed || body->failed;
}

bool plot_script(const struct plot *plot, const struct report *report, struct text *script)
{
        struct text body;
        int height;

        text_init(&body);
        height = plot->draw(report, &body);
        if (height > 0)
                wrap_script(plot->name, plot->title, plot->width_px, height, &body, script);
        script->failed = script->failed || body.failed;
        text_release(&body);
        return height > 0 && !script->failed;
}

bool plots_own_file(const char *name)
{
        static const char *const ends[] = {".gp", ".svg", ".png"};

        for (size_t i = 0; i < plot_row_count; i++) {
                size_t length = strlen(plot_rows[i].name);

                if (strncmp(name, plot_rows[i].name, length) != 0)
                        continue;
                for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
                        if (strcmp(name + length, ends[k]) == 0)
                                return true;
        }
        return false;
}

/* ---- gnuplot */

struct job {
        size_t plot;
        bool png;
        pid_t pid;  /* 0: not started */
        int errors; /* its stderr, in memory */
        struct patience patience;
        char hidden[100], name[64], script[64];
};

struct drawing {
        const struct plots_options *options;
        struct plot_set *out;
        struct out_error *error;
        char *folder; /* plots/ */
        struct job *jobs;
        size_t job_count, next, running;
        unsigned too_slow; /* how many were killed */
};

extern char **environ;

/* The environment with its locale replaced. The caller frees the array. */
static char **plain_environment(void)
{
        size_t count = 0, kept = 0;
        char **list;
        static char locale[] = "LC_ALL=C.UTF-8";

        while (environ[count] != NULL)
                count++;
        list = calloc(count + 2, sizeof(*list));
        if (list == NULL)
                return NULL;
        list[kept++] = locale;
        for (size_t i = 0; i < count; i++)
                if (strncmp(environ[i], "LC_", 3) != 0 && strncmp(environ[i], "LANG", 4) != 0 &&
                    strncmp(environ[i], "GNU", 3) != 0 &&
                    strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
                        list[kept++] = environ[i];
        return list;
}

/* 0 or an errno. */
static int spawn_gnuplot(struct drawing *drawing, struct job *job)
{
        char set_out[128];
        char default_settings[] = "-d", expression[] = "-e";
        char *arguments[] = {NULL, default_settings, expression, set_out, job->script, NULL};
        char *program = strdup(drawing->options->program), **environment = plain_environment();
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int status = ENOMEM;

        snprintf(set_out, sizeof(set_out), "%sout='%s'", job->png ? "png=1;" : "", job->hidden);
        if (program == NULL || environment == NULL || posix_spawn_file_actions_init(&files) != 0)
                goto done;
        arguments[0] = program;
        posix_spawnattr_init(&attributes);
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&files, job->errors, 2);
        posix_spawn_file_actions_addchdir_np(&files, drawing->folder);
        status = posix_spawnp(&job->pid, program, &files, &attributes, arguments, environment);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
done:
        free(program);
        free(environment);
        return status;
}

static void forget_hidden(const struct drawing *drawing, const struct job *job)
{
        char *path = out_path(drawing->folder, job->hidden);

        if (path != NULL)
                (void)unlink(path);
        free(path);
}

static int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False only when there is no place to draw into. */
static bool start_job(struct drawing *drawing, struct job *job)
{
        int status;

        if (!out_file_hide(drawing->folder, job->hidden, drawing->error))
                return false;
        job->errors = memfd_create("gnuplot", MFD_CLOEXEC);
        job->patience = patience_begin(now_ns());
        status = job->errors < 0 ? errno : spawn_gnuplot(drawing, job);
        if (status == 0) {
                drawing->running++;
                return true;
        }
        if (job->errors >= 0)
                close(job->errors);
        forget_hidden(drawing, job);
        job->pid = 0;
        if (!drawing->out->missing)
                text_addf(
                        &drawing->out->notes,
                        "%s cannot be started (%s): there are no pictures; the scripts are in %s, "
                        "and 'chaos-run report' draws them later\n",
                        drawing->options->program, strerror(status), drawing->folder);
        drawing->out->missing = true;
        return true;
}

/* The first line that gnuplot said, for the note. */
static void note_failure(struct drawing *drawing, const struct job *job, const char *why)
{
        char said[4096];
        ssize_t length = pread(job->errors, said, sizeof(said) - 1, 0);
        char *line = said;

        said[length < 0 ? 0 : length] = '\0';
        line += strspn(line, " \n\t^");
        line[strcspn(line, "\n")] = '\0';
        text_addf(&drawing->out->notes, "plot %s was not drawn: gnuplot %s%s", job->name, why,
                  *line == '\0' ? "" : ": ");
        text_plain(&drawing->out->notes, line);
        text_add(&drawing->out->notes, "\n");
}

static bool keep_svg(struct drawing *drawing, const struct job *job)
{
        char *path;
        size_t length;

        if (job->png)
                return true;
        path = out_path(drawing->folder, job->name);
        if (path != NULL)
                drawing->out->svg[job->plot] =
                        out_file_read(path, SVG_BYTES_MAX, &length, drawing->error);
        free(path);
        return drawing->out->svg[job->plot] != NULL;
}

static bool drew_nothing(const struct drawing *drawing, const struct job *job)
{
        char *path = out_path(drawing->folder, job->hidden);
        struct stat status;
        bool nothing = path != NULL && stat(path, &status) == 0 && status.st_size == 0;

        free(path);
        return nothing;
}

/* False only when a picture that was drawn cannot be stored. */
static bool end_job(struct drawing *drawing, struct job *job, int status, bool timed_out)
{
        bool fine = true;

        drawing->running--;
        job->pid = 0;
        if (timed_out) {
                drawing->too_slow++;
                note_failure(drawing, job, "took too long");
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) == 127) {
                note_failure(drawing, job, "died");
        } else if (WEXITSTATUS(status) != 0) {
                note_failure(drawing, job, "failed");
        } else if (drew_nothing(drawing, job)) {
                note_failure(drawing, job, "wrote nothing");
        } else {
                fine = out_file_settle(drawing->folder, job->hidden, job->name, drawing->error) &&
                       keep_svg(drawing, job);
        }
        forget_hidden(drawing, job);
        close(job->errors);
        return fine;
}

/* Looks once at every job that runs, after a sleep of that length. */
static bool reap_jobs(struct drawing *drawing, int64_t slept_ns)
{
        double seconds_max =
                drawing->options->seconds_max > 0 ? drawing->options->seconds_max : SECONDS_MAX;
        bool fine = true;

        for (size_t i = 0; i < drawing->next; i++) {
                struct job *job = &drawing->jobs[i];
                bool timed_out = false;
                int status = 0;
                pid_t ended;

                if (job->pid == 0)
                        continue;
                if ((double)patience_spent_ns(&job->patience, now_ns(), slept_ns) > seconds_max * 1e9) {
                        timed_out = true;
                        kill(-job->pid, SIGKILL);
                }
                ended = waitpid(job->pid, &status, timed_out ? 0 : WNOHANG);
                if (ended != 0 && !(ended < 0 && errno == EINTR))
                        fine = end_job(drawing, job, status, timed_out) && fine;
        }
        return fine;
}

/* Whether another may be started. One picture may be too much for gnuplot; one that
 * hangs on two will hang on the rest, and nobody waits a minute for each. */
static bool goes_on(const struct drawing *drawing)
{
        return drawing->next < drawing->job_count && !drawing->out->missing &&
               drawing->too_slow < TOO_SLOW_MAX;
}

static bool run_jobs(struct drawing *drawing)
{
        const struct timespec wait = {.tv_nsec = 1000000};
        int64_t slept_ns = 0;
        bool fine = true;

        while (drawing->running > 0 || (fine && goes_on(drawing))) {
                while (fine && drawing->running < AT_ONCE && goes_on(drawing))
                        fine = start_job(drawing, &drawing->jobs[drawing->next++]);
                fine = reap_jobs(drawing, slept_ns) && fine;
                slept_ns = drawing->running > 0 && nanosleep(&wait, NULL) == 0 ? wait.tv_nsec : 0;
        }
        if (drawing->too_slow >= TOO_SLOW_MAX && drawing->next < drawing->job_count)
                text_addf(&drawing->out->notes,
                          "%zu more plots were not tried; the scripts are in %s, and 'chaos-run "
                          "report' draws them later\n",
                          drawing->job_count - drawing->next, drawing->folder);
        return fine;
}

/* ---- fonts, for png */

static bool has_font(const char *folder, int depth)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        bool found = false;

        if (dir == NULL)
                return false;
        while (!found && (entry = readdir(dir)) != NULL) {
                size_t length = strlen(entry->d_name);
                char *path;

                if (entry->d_name[0] == '.')
                        continue;
                if (length > 4 && (strcmp(entry->d_name + length - 4, ".ttf") == 0 ||
                                   strcmp(entry->d_name + length - 4, ".otf") == 0)) {
                        found = true;
                } else if (depth > 0 && entry->d_type != DT_REG) {
                        path = out_path(folder, entry->d_name);
                        found = path != NULL && has_font(path, depth - 1);
                        free(path);
                }
        }
        closedir(dir);
        return found;
}

static bool machine_has_fonts(void)
{
        const char *home = getenv("HOME");
        char *own = home == NULL ? NULL : out_path(home, ".local/share/fonts");
        bool found = has_font("/usr/share/fonts", 4) || has_font("/usr/local/share/fonts", 4) ||
                     (own != NULL && has_font(own, 4));

        free(own);
        return found;
}

/* ---- all */

static void forget_picture(const char *folder, const char *name, const char *end)
{
        char file[64], *path;

        snprintf(file, sizeof(file), "%s%s", name, end);
        path = out_path(folder, file);
        if (path != NULL)
                (void)unlink(path);
        free(path);
}

static void add_job(struct drawing *drawing, size_t plot, const char *name, bool png)
{
        struct job *job = &drawing->jobs[drawing->job_count++];

        job->plot = plot;
        job->png = png;
        snprintf(job->script, sizeof(job->script), "%s.gp", name);
        snprintf(job->name, sizeof(job->name), "%s.%s", name, png ? "png" : "svg");
        snprintf(job->hidden, sizeof(job->hidden), ".%.63s.%ld-0.tmp", job->name, (long)getpid());
}

/* Writes the scripts and lists the jobs; pictures of an earlier run go, since
 * what is there must belong to the result beside it. */
static bool prepare_jobs(struct drawing *drawing, const struct report *report)
{
        for (size_t i = 0; i < plot_row_count; i++) {
                struct text script;
                char file[64];
                bool has_data, written = true;

                text_init(&script);
                has_data = plot_script(&plot_rows[i], report, &script);
                if (script.failed) {
                        out_error_set(drawing->error, "%s: cannot write: %s", drawing->folder,
                                      strerror(ENOMEM));
                        written = false;
                } else if (has_data) {
                        snprintf(file, sizeof(file), "%s.gp", plot_rows[i].name);
                        written = out_file_write(drawing->folder, file, text_bytes(&script),
                                                 script.length, drawing->error);
                } else {
                        forget_picture(drawing->folder, plot_rows[i].name, ".gp");
                }
                text_release(&script);
                forget_picture(drawing->folder, plot_rows[i].name, ".svg");
                forget_picture(drawing->folder, plot_rows[i].name, ".png");
                if (!written)
                        return false;
                if (has_data)
                        add_job(drawing, i, plot_rows[i].name, false);
                if (has_data && drawing->options->png && !drawing->out->no_fonts)
                        add_job(drawing, i, plot_rows[i].name, true);
        }
        return true;
}

bool plots_draw(const struct report *report, const struct plots_options *options,
                struct plot_set *out, struct out_error *error)
{
        struct drawing drawing = {.options = options, .out = out, .error = error};
        bool done = false;

        memset(out, 0, sizeof(*out));
        text_init(&out->notes);
        out->svg = calloc(plot_row_count, sizeof(*out->svg));
        drawing.jobs = calloc(2 * plot_row_count, sizeof(*drawing.jobs));
        drawing.folder = out_path(options->folder, "plots");
        if (out->svg == NULL || drawing.jobs == NULL || drawing.folder == NULL) {
                out_error_set(error, "%s: cannot write: %s", options->folder, strerror(ENOMEM));
                goto done;
        }
        if (!out_folder_make(drawing.folder, error))
                goto done;
        if (options->png && !machine_has_fonts()) {
                out->no_fonts = true;
                text_add(&out->notes, "no font on this machine, so a png would have no text: none "
                                      "was drawn (Debian: fonts-dejavu-core)\n");
        }
        if (!prepare_jobs(&drawing, report))
                goto done;
        done = run_jobs(&drawing);
done:
        free(drawing.jobs);
        free(drawing.folder);
        return done;
}

void plots_forget(const char *folder)
{
        char *plots = out_path(folder, "plots");

        for (size_t i = 0; plots != NULL && i < plot_row_count; i++) {
                forget_picture(plots, plot_rows[i].name, ".gp");
                forget_picture(plots, plot_rows[i].name, ".svg");
                forget_picture(plots, plot_rows[i].name, ".png");
        }
        if (plots != NULL)
                (void)rmdir(plots);
        free(plots);
}

bool plots_draw_script(const struct plots_options *options, const char *name, int width_px,
                       int height_px, const struct text *body, char **svg, struct text *notes,
                       struct out_error *error)
{
        struct job job = {0};
        struct plot_set set = {.svg = svg};
        struct drawing drawing = {.options = options, .out = &set, .error = error, .jobs = &job};
        struct text script;
        bool done = false;

        *svg = NULL;
        text_init(&set.notes);
        text_init(&script);
        wrap_script(name, name, width_px, height_px, body, &script);
        drawing.folder = out_path(options->folder, "plots");
        if (drawing.folder == NULL || script.failed) {
                out_error_set(error, "%s: cannot write: %s", options->folder, strerror(ENOMEM));
                goto done;
        }
        add_job(&drawing, 0, name, false);
        if (out_folder_make(drawing.folder, error) &&
            out_file_write(drawing.folder, job.script, text_bytes(&script), script.length, error))
                done = run_jobs(&drawing);
        text_add(notes, text_bytes(&set.notes));
done:
        text_release(&set.notes);
        text_release(&script);
        free(drawing.folder);
        return done;
}

void plot_set_release(struct plot_set *set)
{
        for (size_t i = 0; set->svg != NULL && i < plot_row_count; i++)
                free(set->svg[i]);
        free(set->svg);
        text_release(&set->notes);
        memset(set, 0, sizeof(*set));
}
