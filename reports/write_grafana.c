/* write_grafana.c - grafana.json: a dashboard over metrics.prom.
 *
 * Stat panels for the numbers that come first, one panel of treated against
 * untreated for each compared one, and a table of availability by service. It
 * asks for a Prometheus data source by a variable, so that it imports into any
 * Grafana, and filters by scenario and healer.
 */
#include "reports/headline.h"
#include "reports/metric_words.h"
#include "reports/writer.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/json_plain.h"

static const char *grafana_unit(const char *unit)
{
        if (strcmp(unit, "s") == 0)
                return "s";
        return strcmp(unit, "ratio") == 0 ? "percentunit" : "short";
}

static json_t *data_source(void)
{
        return json_pack("{s:s, s:s}", "type", "prometheus", "uid", "${datasource}");
}

static json_t *make_panel(const struct report *report, const struct headline_row *row, int id,
                          int x, int y, bool over_time)
{
        struct metric_value value = result_metric(report, "treated", row->metric);
        struct text query;
        json_t *panel;

        text_init(&query);
        prometheus_name(row->metric, value.unit, &query);
        text_addf(&query, "{scenario=~\"$scenario\",healer=~\"$healer\",service=\"\",arm%s}",
                  over_time ? "=~\"treated|untreated\"" : "=\"treated\"");
        panel = json_pack("{s:i, s:s, s:s, s:s, s:o, s:{s:i,s:i,s:i,s:i}, s:{s:{s:s},s:[]}, "
                          "s:[{s:s,s:s,s:s}]}",
                          "id", id, "type", over_time ? "timeseries" : "stat", "title", row->title,
                          "description", row->meaning, "datasource", data_source(), "gridPos", "h",
                          over_time ? 8 : 4, "w", over_time ? 12 : 6, "x", x, "y", y, "fieldConfig",
                          "defaults", "unit", grafana_unit(value.unit), "overrides", "targets",
                          "refId", "A", "expr", text_bytes(&query), "legendFormat",
                          "{{arm}} {{healer}}");
        text_release(&query);
        return panel;
}

static json_t *make_panels(const struct report *report)
{
        json_t *panels = json_array();
        int count = 0, y = 0;

        for (size_t i = 0; i < headline_row_count; i++) {
                json_array_append_new(panels, make_panel(report, &headline_rows[i], count + 1,
                                                         count % 4 * 6, count / 4 * 4, false));
                count++;
        }
        y = (count + 3) / 4 * 4;
        for (size_t i = 0, shown = 0; i < headline_row_count; i++) {
                if (!headline_rows[i].compared)
                        continue;
                json_array_append_new(panels,
                                      make_panel(report, &headline_rows[i], ++count, shown % 2 * 12,
                                                 y + (int)(shown / 2) * 8, true));
                shown++;
        }
        return panels;
}

static json_t *make_variable(const char *name, const char *label)
{
        char *query = NULL;
        json_t *variable;

        if (asprintf(&query, "label_values(chaos_run_failed_requests, %s)", name) < 0)
                return NULL;
        variable = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:b, s:i, s:{s:s,s:s}}", "name", name,
                             "label", label, "type", "query", "datasource", data_source(), "query",
                             query, "multi", 1, "includeAll", 1, "refresh", 2, "current", "text",
                             "All", "value", "$__all");
        free(query);
        return variable;
}

void write_grafana(const struct writer_context *context, struct text *out)
{
        json_t *dashboard = json_pack(
                "{s:s, s:s, s:[s], s:i, s:s, s:b, s:s, s:{s:s,s:s}, s:{s:[{s:s,s:s,s:s,s:s},o,o]}, "
                "s:o}",
                "title", "chaos-run: does the healing work", "uid", "chaos-run", "tags",
                "chaos-run", "schemaVersion", 39, "timezone", "utc", "editable", 1, "refresh", "1m",
                "time", "from", "now-7d", "to", "now", "templating", "list", "name", "datasource",
                "label", "data source", "type", "datasource", "query", "prometheus",
                make_variable("scenario", "scenario"), make_variable("healer", "healer"), "panels",
                make_panels(context->report));
        char *bytes = dashboard == NULL ? NULL : json_plain_dumps(dashboard, JSON_INDENT(1));

        if (bytes == NULL) {
                out->failed = true;
        } else {
                text_add(out, bytes);
                text_add(out, "\n");
        }
        free(bytes);
        json_decref(dashboard);
}
