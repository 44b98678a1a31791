/* writer.c - which formats there are, and everything around writing them.
 *
 * A new format is a file with a write function and a row in `writers`. The
 * help, the folder's rules and `list writers` all read the rows.
 *
 * run.json is written first, whatever was asked for, and result.json last: a
 * folder that has any file of ours is recognised from the start, and a new
 * result.json says that all the rest is there, too.
 */
#include "reports/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/in_file.h"

static bool has_values(const struct report *report)
{
        return report->values != NULL && report->values->count > 0;
}

static const struct writer_file json_files[] = {
        {"run.json", write_run_json, NULL},
        {"series.csv", write_series_csv, has_series},
        {"result.json", write_result_json, NULL},
        {NULL, NULL, NULL},
};
static const struct writer_file csv_files[] = {
        {"metrics.csv", write_metrics_csv, has_values},
        {"incidents.csv", write_incidents_csv, NULL},
        {NULL, NULL, NULL},
};
static const struct writer_file junit_files[] = {{"junit.xml", write_junit, NULL},
                                                 {NULL, NULL, NULL}};
static const struct writer_file html_files[] = {{"report.html", write_html, NULL},
                                                {NULL, NULL, NULL}};
static const struct writer_file md_files[] = {{"report.md", write_markdown, NULL},
                                              {NULL, NULL, NULL}};
static const struct writer_file prom_files[] = {{"metrics.prom", write_prom, NULL},
                                                {NULL, NULL, NULL}};
static const struct writer_file om_files[] = {{"metrics.om", write_openmetrics, NULL},
                                              {NULL, NULL, NULL}};
static const struct writer_file grafana_files[] = {{"grafana.json", write_grafana, NULL},
                                                   {NULL, NULL, NULL}};
static const struct writer_file no_files[] = {{NULL, NULL, NULL}};

const struct writer writers[WRITER_COUNT] = {
        [WRITER_JSON] = {"json",
                         "result.json, series.csv and run.json: everything else can be made "
                         "from these",
                         json_files, false, true},
        [WRITER_JOURNAL] = {"journal", "journal.jsonl: what happened in replication 0, in order",
                            no_files, false, true},
        [WRITER_JUNIT] = {"junit", "junit.xml: thresholds, probes, faults and invariants for CI",
                          junit_files, false, true},
        [WRITER_HTML] = {"html", "report.html: one offline page with plots", html_files, true,
                         true},
        [WRITER_MARKDOWN] = {"md", "report.md: the verdict for a pull request", md_files, false,
                             true},
        [WRITER_CSV] = {"csv", "metrics.csv and incidents.csv: tidy tables", csv_files, false,
                        true},
        [WRITER_PROM] = {"prom", "metrics.prom: Prometheus text 0.0.4", prom_files, false, true},
        [WRITER_OM] = {"om", "metrics.om: OpenMetrics 1.0", om_files, false, true},
        [WRITER_SVG] = {"svg", "plots/*.svg with the gnuplot scripts that draw them", no_files,
                        true, true},
        [WRITER_PNG] = {"png", "plots/*.png, the same as pixels", no_files, true, false},
        [WRITER_GRAFANA] = {"grafana", "grafana.json: a dashboard over the metrics", grafana_files,
                            false, true},
};

/* Ours, but made by nobody in the table. */
static const char *const other_files[] = {"journal.jsonl", "plots", "trends.html"};

/* ---- what was asked for */

uint32_t writers_default(void)
{
        uint32_t set = 0;

        for (int i = 0; i < WRITER_COUNT; i++)
                if (writers[i].by_default)
                        set |= UINT32_C(1) << i;
        return set;
}

static void say_unknown_format(const char *name, size_t length, struct out_error *error)
{
        struct text names, shown;
        char *copy = strndup(name, length);

        text_init(&names);
        text_init(&shown);
        text_plain(&shown, copy);
        for (int i = 0; i < WRITER_COUNT; i++) {
                text_add(&names, i == 0 ? "" : ", ");
                text_add(&names, writers[i].name);
        }
        out_error_set(error, "no writer named '%s' (there are: %s, all, none)", text_bytes(&shown),
                      text_bytes(&names));
        text_release(&names);
        text_release(&shown);
        free(copy);
}

static bool parse_one(const char *name, size_t length, uint32_t *set)
{
        if (length == 3 && strncmp(name, "all", 3) == 0) {
                *set = (UINT32_C(1) << WRITER_COUNT) - 1;
                return true;
        }
        if (length == 4 && strncmp(name, "none", 4) == 0)
                return true;
        for (int i = 0; i < WRITER_COUNT; i++) {
                if (strlen(writers[i].name) == length &&
                    strncmp(writers[i].name, name, length) == 0) {
                        *set |= UINT32_C(1) << i;
                        return true;
                }
        }
        return false;
}

bool writers_parse(const char *list, uint32_t *set, struct out_error *error)
{
        *set = 0;
        for (;;) {
                size_t length = strcspn(list, ",");

                if (!parse_one(list, length, set)) {
                        say_unknown_format(list, length, error);
                        return false;
                }
                if (list[length] == '\0')
                        return true;
                list += length + 1;
        }
}

/* ---- the folder */

static bool is_our_file(const char *name)
{
        for (int i = 0; i < WRITER_COUNT; i++)
                for (const struct writer_file *file = writers[i].files; file->name != NULL; file++)
                        if (strcmp(file->name, name) == 0)
                                return true;
        for (size_t i = 0; i < sizeof(other_files) / sizeof(other_files[0]); i++)
                if (strcmp(other_files[i], name) == 0)
                        return true;
        return false;
}

/* What a killed run left: ".NAME.PID-N.tmp" of a file of ours. */
static bool is_our_remnant(const char *name)
{
        size_t length = strlen(name);
        char base[64];
        const char *end;

        if (name[0] != '.' || length < 6 || strcmp(name + length - 4, ".tmp") != 0)
                return false;
        end = memrchr(name, '.', length - 4);
        if (end == NULL || end <= name + 1 || (size_t)(end - name) > sizeof(base))
                return false;
        memcpy(base, name + 1, (size_t)(end - name) - 1);
        base[end - name - 1] = '\0';
        return is_our_file(base) || plots_own_file(base) || strcmp(base, "campaign.csv") == 0;
}

/* Whether the process that writes it is still at work: perhaps ourselves, with
 * the journal open. */
static bool is_in_use(const char *name)
{
        size_t length = strlen(name);
        const char *end = memrchr(name, '.', length - 4);
        long pid = strtol(end + 1, NULL, 10);

        return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static bool marks_folder(const char *folder, const char *name, const char *schema)
{
        char *path = out_path(folder, name);
        json_t *root = path == NULL ? NULL : in_file_json(path, 0, NULL);
        bool marked = strcmp(result_text(root, "schema"), schema) == 0;

        json_decref(root);
        free(path);
        return marked;
}

/* A link of the name of our folder of plots leads to a folder that is not ours. */
static bool is_link_to_plots(int folder, const char *name)
{
        struct stat status;

        return strcmp(name, "plots") == 0 && fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISLNK(status.st_mode);
}

bool writers_check_folder(const char *folder, struct out_error *error)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        bool fine = true, has_any = false;

        if (dir == NULL && errno == ENOENT)
                return true;
        if (dir == NULL) {
                out_error_set(error, "%s: cannot use the folder: %s", folder, strerror(errno));
                return false;
        }
        while (fine && (entry = readdir(dir)) != NULL) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (is_our_remnant(entry->d_name))
                        continue;
                has_any = true;
                if (!is_our_file(entry->d_name) || is_link_to_plots(dirfd(dir), entry->d_name)) {
                        struct text shown;

                        text_init(&shown);
                        text_plain(&shown, entry->d_name);
                        out_error_set(error,
                                      "%s: the folder holds '%s', which is not of chaos-run; give "
                                      "--out an empty or a new one",
                                      folder, text_bytes(&shown));
                        text_release(&shown);
                        fine = false;
                }
        }
        closedir(dir);
        if (fine && has_any && !marks_folder(folder, "run.json", RUN_SCHEMA) &&
            !marks_folder(folder, "result.json", RESULT_SCHEMA)) {
                out_error_set(error,
                              "%s: the folder has no result.json or run.json of chaos-run; give "
                              "--out an empty or a new one",
                              folder);
                fine = false;
        }
        return fine;
}

void writers_remove_remnants(const char *folder)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;

        if (dir == NULL)
                return;
        while ((entry = readdir(dir)) != NULL)
                if (is_our_remnant(entry->d_name) && !is_in_use(entry->d_name))
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
        closedir(dir);
}

bool writers_mark_folder(const char *folder, struct out_error *error)
{
        static const char mark[] = "{\n \"schema\": \"" RUN_SCHEMA "\"\n}\n";

        if (marks_folder(folder, "run.json", RUN_SCHEMA) ||
            marks_folder(folder, "result.json", RESULT_SCHEMA))
                return true;
        return out_file_write(folder, "run.json", mark, sizeof(mark) - 1, error);
}

/* ---- writing */

struct run {
        const struct report *report;
        const struct writers_options *options;
        struct writers_result *result;
        struct out_error *error;
        struct writer_context context;
        uint32_t set;
};

static void forget_old(const struct run *run, const char *name)
{
        char *path;

        if (!run->options->fresh)
                return;
        path = out_path(run->options->folder, name);
        if (path != NULL)
                (void)unlink(path);
        free(path);
}

static bool write_one(struct run *run, const struct writer_file *file)
{
        struct text out;
        bool written = false;

        if (file->has_data != NULL && !file->has_data(run->report)) {
                forget_old(run, file->name);
                return true;
        }
        text_init(&out);
        file->write(&run->context, &out);
        if (!text_ok(&out))
                out_error_set(run->error, "%s/%s: cannot write: %s", run->options->folder,
                              file->name, strerror(ENOMEM));
        else
                written = out_file_write(run->options->folder, file->name, text_bytes(&out),
                                         out.length, run->error);
        text_release(&out);
        return written;
}

static bool write_files(struct run *run, int id)
{
        for (const struct writer_file *file = writers[id].files; file->name != NULL; file++) {
                if (file == &json_files[0])
                        continue; /* written first, whatever was asked for */
                if ((run->set & UINT32_C(1) << id) == 0)
                        forget_old(run, file->name);
                else if (!write_one(run, file))
                        return false;
        }
        return true;
}

static void choose_report_path(struct run *run)
{
        const char *name = "result.json";

        if (run->set & WRITER_BIT(WRITER_HTML))
                name = "report.html";
        else if (run->set & WRITER_BIT(WRITER_MARKDOWN))
                name = "report.md";
        else if ((run->set & WRITER_BIT(WRITER_JSON)) == 0)
                return;
        run->result->report_path = out_path(run->options->folder, name);
}

static bool wants_plots(const struct run *run)
{
        for (int i = 0; i < WRITER_COUNT; i++)
                if ((run->set & UINT32_C(1) << i) != 0 && writers[i].needs_plots)
                        return !run->options->no_plots;
        return false;
}

bool writers_run(const struct report *report, const struct writers_options *options,
                 struct writers_result *result, struct out_error *error)
{
        struct plot_set drawn = {0};
        struct run run = {.report = report,
                          .options = options,
                          .result = result,
                          .error = error,
                          .context = {.report = report},
                          .set = options->set};
        bool done = false;

        memset(result, 0, sizeof(*result));
        text_init(&result->notes);
        if (run.set == 0)
                return true;
        if (!writers_check_folder(options->folder, error) ||
            !out_folder_make(options->folder, error))
                return false;
        writers_remove_remnants(options->folder);
        if (!write_one(&run, &json_files[0])) /* the mark of the folder, before all else */
                goto done;
        if (wants_plots(&run)) {
                struct plots_options drawing = {.folder = options->folder,
                                                .program = "gnuplot",
                                                .png = (run.set & WRITER_BIT(WRITER_PNG)) != 0};

                if (!plots_draw(report, &drawing, &drawn, error))
                        goto done;
                run.context.plots = &drawn;
                text_add(&result->notes, text_bytes(&drawn.notes));
        } else if (options->fresh) {
                plots_forget(options->folder);
        }
        if ((run.set & WRITER_BIT(WRITER_JOURNAL)) == 0)
                forget_old(&run, "journal.jsonl");
        for (int i = WRITER_COUNT; i-- > 0;) /* json, the last word, comes last */
                if (!write_files(&run, i))
                        goto done;
        choose_report_path(&run);
        done = true;
done:
        plot_set_release(&drawn);
        return done;
}

void writers_result_release(struct writers_result *result)
{
        free(result->report_path);
        text_release(&result->notes);
        memset(result, 0, sizeof(*result));
}
