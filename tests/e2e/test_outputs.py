"""The files of a run: all there, well-formed, and telling one and the same story."""
import csv
import json
import os
import re
import xml.etree.ElementTree as ET

import chaos

ALWAYS = ["result.json", "run.json", "journal.jsonl", "series.csv", "metrics.csv", "incidents.csv",
          "junit.xml", "report.html"]
ARMS = ["treated", "shadow", "untreated", "quiet", "calm"]
TYPES = """run_started fault_started fault_ended incident_opened incident_closed alarm diagnosis
    prediction prediction_outcome action_started action_finished breaker_opened breaker_half_opened
    breaker_closed degradation_changed instance_state deployment escalation probe stop
    run_ended""".split()
TOP = """schema scenario seed runs outcome exit_code thresholds steady_state faults arms healer
    variables flags waterfall analytics invariants harness""".split()


class Outputs(chaos.Case):
    def setUp(self):
        super().setUp()
        small = self.write("small.json", chaos.small(replications=4))
        self.told = self.chaos(small, "--out", self.path("out"), "--quiet")
        self.assert_code(0, self.told)

    def text(self, name):
        with open(self.path("out", name), encoding="utf-8") as f:
            return f.read()

    def table(self, name):
        with open(self.path("out", name), encoding="utf-8", newline="") as f:
            return list(csv.DictReader(f))

    def metrics(self, node):
        """Every metric below a node, with its path."""
        def walk(node, path):
            if isinstance(node, dict):
                if "value" in node and "unit" in node:
                    yield path, node
                else:
                    for key, child in node.items():
                        yield from walk(child, path + [key])
        return list(walk(node, []))

    def test_all_files_are_there_and_no_others(self):
        files = self.files_below(self.path("out"))
        for name in ALWAYS:
            self.assertIn(name, files)
        self.assertTrue(any(f.startswith("plots/") and f.endswith(".svg") for f in files))
        self.assert_nothing_half_written(self.path("out"))

    def test_result_json_has_its_parts_and_nothing_of_the_machine(self):
        result = self.result()
        for key in TOP:
            self.assertIn(key, result)
        self.assertEqual("chaos-run/result/1", result["schema"])
        self.assertEqual("small.json", result["scenario"]["file"])
        self.assertEqual((7, 4), (result["seed"], result["runs"]))
        for arm in ARMS:
            self.assertIn(arm, result["arms"])
        text = self.text("result.json")
        self.assertNotIn(self.folder, text)
        self.assertNotIn(os.uname().nodename + '"', text)
        self.assertNotRegex(text, r"NaN|Infinity|\bnan\b|\binf\b")

    def test_it_is_valid_under_its_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("no python3-jsonschema for this Python")
        schemas = [os.path.join(chaos.ROOT, "reports", name)
                   for name in os.listdir(os.path.join(chaos.ROOT, "reports"))
                   if name.endswith(".schema.json")]
        self.assertTrue(schemas, "no JSON Schema of the result in reports/")
        for path in schemas:
            with open(path, encoding="utf-8") as f:
                schema = json.load(f)
            if "result" in os.path.basename(path):
                jsonschema.Draft202012Validator.check_schema(schema)
                jsonschema.Draft202012Validator(schema).validate(self.result())

    def test_metrics_have_an_interval_around_their_value_or_no_value(self):
        found = self.metrics(self.result()["arms"])
        self.assertGreater(len(found), 50)
        for path, metric in found:
            where = ".".join(path)
            for key in ("value", "low", "high", "n", "count", "numerator", "denominator", "unit"):
                self.assertIn(key, metric, where)
            if metric["value"] is None:
                # A value may be missing with data there (a median not reached), never the reverse.
                continue
            self.assertGreater(metric["n"], 0, where)
            if metric["low"] is not None and metric["high"] is not None:
                slack = 1e-9 * max(1, abs(metric["value"]))
                self.assertLessEqual(metric["low"], metric["value"] + slack, where)
                self.assertGreaterEqual(metric["high"], metric["value"] - slack, where)
            # A burn rate and an amplification are multiples of something.
            if metric["unit"] == "ratio" and not re.search("burn|amplification", path[-1]):
                self.assertTrue(-1e-9 <= metric["value"] <= 1 + 1e-9, where)

    def test_the_four_figures_are_there(self):
        treated = self.result()["arms"]["treated"]["metrics"]
        for name in ("mttr", "mttd", "prevention_rate", "false_positive_rate", "bad_seconds",
                     "failed_requests", "healing_success_rate"):
            self.assertIn(name, treated)

    def test_treated_is_better_than_untreated_because_something_was_done(self):
        arms = self.result()["arms"]
        self.assertGreater(arms["untreated"]["metrics"]["failed_requests"]["value"],
                           arms["treated"]["metrics"]["failed_requests"]["value"])
        done = [row for row in self.journal()
                if row["type"] in ("action_started", "breaker_opened") and row["arm"] == "treated"]
        self.assertTrue(done)
        for row in self.journal():
            if row["arm"] in ("untreated", "calm"):
                self.assertNotIn(row["type"], ("action_started", "breaker_opened", "alarm"))

    def test_the_waterfall_adds_up(self):
        result = self.result()
        arms = result["arms"]

        def failed(arm):
            return arms[arm]["metrics"]["failed_requests"]["value"]
        self.assertGreater(failed("untreated"), 0)
        for node in self.waterfalls(result["waterfall"]):
            def value(key):
                return node[key]["value"] if isinstance(node[key], dict) else node[key]
            self.assertAlmostEqual(
                value("untreated") - value("reaction") - value("prediction"), value("left"),
                delta=1e-6 * max(1, abs(value("untreated"))))

    def waterfalls(self, node):
        if "untreated" in node:
            return [node]
        return [found for child in node.values() if isinstance(child, dict)
                for found in self.waterfalls(child)]

    def journal(self):
        return [json.loads(line) for line in self.text("journal.jsonl").split("\n") if line]

    def test_the_journal_is_in_order_and_complete(self):
        rows = self.journal()
        last = {}
        for row in rows:
            self.assertIn(row["type"], TYPES)
            self.assertIn(row["arm"], ARMS)
            self.assertEqual(0, row["run"])
            self.assertGreaterEqual(row["t"], last.get(row["arm"], float("-inf")), row)
            last[row["arm"]] = row["t"]
        for arm in ("treated", "shadow", "untreated"):
            mine = [row["type"] for row in rows if row["arm"] == arm]
            self.assertEqual(2, mine.count("fault_started"), arm)
            self.assertEqual("run_started", mine[0])
            self.assertEqual("run_ended", mine[-1])
        for arm in ("quiet", "calm"):
            self.assertNotIn("fault_started", [r["type"] for r in rows if r["arm"] == arm])

    def test_metrics_csv_has_every_replication_and_agrees_with_the_result(self):
        rows = self.table("metrics.csv")
        for run in range(4):
            self.assertTrue(any(row["run"] == str(run) for row in rows))
        values = [float(row["value"]) for row in rows
                  if row["arm"] == "untreated" and row["metric"] == "failed_requests"
                  and not row["service"]]
        self.assertEqual(4, len(values))
        told = self.result()["arms"]["untreated"]["metrics"]["failed_requests"]["value"]
        self.assertAlmostEqual(sum(values) / 4, told, delta=max(1e-6, 1e-9 * told))

    def test_incidents_csv_is_the_truth_in_order(self):
        rows = self.table("incidents.csv")
        self.assertTrue(rows)
        self.assertEqual(["run", "arm", "service", "o", "f", "d", "a", "r", "bad_requests", "faults",
                          "failure_type", "severity", "fate"], list(rows[0]))
        for row in rows:
            if row["r"]:
                self.assertGreaterEqual(float(row["r"]), float(row["o"]), row)
            if row["f"]:
                self.assertGreaterEqual(float(row["o"]), float(row["f"]) - 60, row)

    def test_series_csv_covers_the_run(self):
        rows = self.table("series.csv")
        times = [float(row["t"]) for row in rows if row["arm"] == "treated"]
        self.assertLessEqual(min(times), 10)
        self.assertGreaterEqual(max(times), 340)

    def test_junit_has_a_case_for_each_claim_in_the_strict_form(self):
        root = ET.fromstring(self.text("junit.xml"))
        self.assertEqual("testsuites", root.tag)
        self.assertEqual({}, root.attrib)
        for number, suite in enumerate(root):
            self.assertEqual(str(number), suite.get("id"))
            for key in ("name", "package", "tests", "failures", "errors", "time", "timestamp",
                        "hostname"):
                self.assertIsNotNone(suite.get(key), key)
            self.assertEqual("localhost", suite.get("hostname"))
            self.assertRegex(suite.get("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
            cases = suite.findall("testcase")
            self.assertEqual(int(suite.get("tests")), len(cases))
            self.assertEqual(["properties"] + ["testcase"] * len(cases) + ["system-out", "system-err"],
                             [child.tag for child in suite])
            names = " ".join(case.get("name") for case in cases)
            for words in ("availability >= 10%", "slow bank", "bank dies"):
                self.assertIn(words, names)

    def test_a_failed_threshold_is_a_failure_in_junit_with_what_was_seen(self):
        told = self.run_small("bad", chaos.small(thresholds=["failed_requests < 1"]))
        self.assert_code(1, told)
        with open(self.path("bad", "junit.xml"), encoding="utf-8") as f:
            root = ET.fromstring(f.read())
        failures = root.findall("./testsuite/testcase/failure")
        self.assertEqual(1, len(failures))
        whole = (failures[0].get("message") or "") + (failures[0].text or "")
        observed = self.result("bad")["thresholds"][0]["observed"]
        self.assertIn("7", whole)  # the seed
        self.assertTrue(re.search(r"%d" % int(observed), whole.replace(" ", "").replace("\u202f", "")),
                        whole)

    def test_the_report_is_one_file_without_remote_references(self):
        page = self.text("report.html")
        self.assertIn("<svg", page)
        for remote in re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(https?:|//|file:)[^\s"')>]*""", page):
            self.fail("the report reaches for %s" % remote)
        self.assertNotIn("<script src", page)
        self.assertIn("a small shop", page)
        self.assertNotIn(self.folder, page)

    def test_every_plot_can_be_redrawn_with_gnuplot_alone(self):
        plots = self.path("out", "plots")
        scripts = [name for name in sorted(os.listdir(plots)) if name.endswith(".gp")]
        self.assertGreaterEqual(len(scripts), 5)
        for name in scripts:
            svg = os.path.join(plots, name[:-3] + ".svg")
            if not os.path.exists(svg):
                continue  # style.gp and the like
            with open(svg, "rb") as f:
                before = f.read()
            os.unlink(svg)
            told = self.chaos(name, binary="gnuplot", cwd=plots)
            self.assert_code(0, told)
            with open(svg, "rb") as f:
                self.assertEqual(before, f.read(), name)

    def test_a_report_made_again_from_the_results_is_the_same(self):
        told = self.chaos("report", self.path("out"), "--out", self.path("again"), "--quiet")
        self.assert_code(0, told)
        self.assert_same_files("out", "again", ["junit.xml", "report.html"])

    def test_only_the_writers_that_were_asked_for(self):
        self.assert_code(0, self.run_small("few", None, "--format", "json,junit"))
        files = self.files_below(self.path("few"))
        self.assertIn("junit.xml", files)
        self.assertNotIn("report.html", files)
        self.assertNotIn("incidents.csv", files)

    def test_hostile_names_stay_names(self):
        """Text of a scenario is text everywhere: no markup, no formula, no escape, no command."""
        nasty = "</title><script>alert(1)</script>' \"`touch pwned` $(touch pwned) =1+1 %s%n"
        scenario = chaos.small(title=nasty, description=nasty)
        scenario["method"][0]["name"] = "=cmd|' /C calc'!A0 <b>\""
        told = self.chaos(self.write("nasty.json", scenario), "--out", self.path("nasty"), "--quiet")
        self.assert_code(0, told)
        with open(self.path("nasty", "report.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertNotIn("<script>alert(1)", page)
        self.assertNotIn("<b>\"", page)
        with open(self.path("nasty", "junit.xml"), encoding="utf-8") as f:
            ET.fromstring(f.read())
        for name in ("metrics.csv", "incidents.csv", "series.csv"):
            with open(self.path("nasty", name), encoding="utf-8", newline="") as f:
                for row in csv.reader(f):
                    for cell in row:
                        self.assertFalse(cell.startswith(("=", "@")), (name, cell))
        self.assertFalse(any("pwned" in f for f in self.files_below(self.folder)))
        self.assertEqual(nasty, self.result("nasty")["scenario"]["title"])


class TelemetryJournal(chaos.Case):
    def test_what_was_seen_is_in_the_journal_of_every_arm_and_moves_nothing(self):
        self.write("small.json", chaos.small(replications=2))
        for out, more in (("plain", []), ("seen", ["--journal", "telemetry"])):
            self.assert_code(0, self.chaos("small.json", "--out", out, "--no-plots", "--quiet", *more, cwd=self.folder))
        entries = {}
        for out in ("plain", "seen"):
            with open(self.path(out, "journal.jsonl"), encoding="utf-8") as f:
                entries[out] = [json.loads(line) for line in f]
        seen = [e for e in entries["seen"] if e["type"] == "telemetry"]
        self.assertEqual(entries["plain"], [e for e in entries["seen"] if e["type"] != "telemetry"])
        self.assertLessEqual({"treated", "untreated", "quiet", "calm"}, {e["arm"] for e in seen})
        self.assertLessEqual({"cpu", "queue", "error_ratio", "latency_p99"}, {e["metric"] for e in seen})
        self.assertEqual({0}, {e["run"] for e in seen})
        slow = [e["value"] for e in seen if e["arm"] == "untreated" and e.get("edge") == "shop->bank"
                and e["metric"] == "latency_p95" and 70 < e["t"] < 110]
        self.assertGreater(min(slow), 1)  # the fault of two seconds, as the monitor saw it
        for name in ("series.csv", "metrics.csv", "incidents.csv"):
            with open(self.path("plain", name), "rb") as a, open(self.path("seen", name), "rb") as b:
                self.assertEqual(a.read(), b.read())
