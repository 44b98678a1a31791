"""What is asked for comes on stdout and is complete: help, version, lists."""
import json
import re

import chaos

COMMANDS = ["ab", "validate", "plan", "init", "list", "report", "explain", "replay", "train", "stats"]
# Every option that the specification names.
OPTIONS = ["seed", "runs", "jobs", "var", "set", "strategy", "tag", "only", "skip", "out", "format",
           "no-plots", "db", "resume", "journal", "replication", "attribute", "floor", "precision",
           "inconclusive", "allow-path", "env", "approve", "quiet", "verbose", "log-json"]
LISTS = ["faults", "metrics", "actions", "strategies", "writers"]
FAULTS = ["latency", "error", "crash", "memory_leak"]
METRICS = ["bad_seconds", "failed_requests", "averted_harm", "mttd", "mttr", "time_to_restore",
           "availability", "prevention_rate", "false_positive_rate", "false_alarms_per_week",
           "false_actions_per_week", "healing_success_rate", "healing_success_verified",
           "healing_success_claimed"]
WRITERS = ["json", "journal", "junit", "html", "csv"]
CODES = [0, 1, 2, 3, 4, 5, 6, 7, 70, 74, 130, 143]


class Words(chaos.Case):
    def said(self, *args):
        told = self.chaos(*args)
        self.assert_code(0, told)
        self.assertEqual("", told.err)
        self.assertTrue(told.out.endswith("\n"))
        return told.out

    def test_help_names_every_command_option_and_exit_code(self):
        text = self.said("--help")
        self.assertEqual(text, self.said("-h"))
        for command in COMMANDS:
            self.assertRegex(text, r"(?m)^\s+(chaos-run )?%s\b" % command)
        for option in ("seed", "runs", "jobs", "var", "set", "strategy", "out", "format", "no-plots",
                       "quiet", "journal", "replication", "only", "skip", "tag", "allow-path"):
            self.assertRegex(text, r"--%s\b" % option)
        for code in CODES:
            self.assertRegex(text, r"\b%d\b" % code)

    def test_every_option_is_in_a_help(self):
        helps = self.said("--help") + "".join(self.said(c, "--help") for c in COMMANDS)
        for option in OPTIONS:
            self.assertRegex(helps, r"--%s[ \n]" % option)

    def test_log_json_is_an_object_a_line(self):
        told = self.chaos(self.write("small.json", chaos.SMALL), "--runs", "60", "--out",
                          self.path("out"), "--no-plots", "--log-json", "--verbose", "--db",
                          self.path("x.db"))
        self.assert_code(0, told)
        events = [json.loads(line) for line in told.err.splitlines()]
        self.assertTrue(all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
                            for event in events), events)
        texts = [event["text"] for event in events if event["type"] == "message"]
        self.assertRegex(texts[-1], r"small\.json: \d+ requests, \d+ events")
        for event in events:
            if event["type"] == "progress":
                self.assertEqual((60, "small.json"), (event["replications"], event["scenario"]))
        told = self.chaos(self.path("missing.json"), "--log-json")
        self.assert_code(2, told)
        self.assertIn("missing.json", json.loads(told.err.splitlines()[0])["text"])

    def test_help_fits_a_terminal(self):
        for line in self.said("--help").split("\n"):
            self.assertLessEqual(len(line), 100, line)

    def test_each_command_has_its_help(self):
        for command in COMMANDS:
            text = self.said(command, "--help")
            self.assertIn("usage: chaos-run %s" % command, text)
            self.assertGreater(len(text.split("\n")), 4)

    def test_version_is_the_one_of_the_build(self):
        with open(chaos.ROOT + "/meson.build", encoding="utf-8") as f:
            version = re.search(r"version: '([^']+)'", f.read()).group(1)
        self.assertTrue(self.said("--version").startswith("chaos-run %s\n" % version))

    def test_lists_hold_what_there_is(self):
        for what, names in (("faults", FAULTS), ("metrics", METRICS), ("writers", WRITERS),
                            ("strategies", ["none", "reactive", "default"]),
                            ("actions", ["restart_instance", "replace_instance", "escalate"])):
            text = self.said("list", what)
            for name in names:
                self.assertRegex(text, r"(?m)^\s*%s\b" % name, "list " + what)

    def test_lists_as_json_hold_the_same(self):
        for what in LISTS:
            text = self.said("list", what)
            rows = self.rows(what)
            self.assertTrue(rows)
            for row in rows:
                self.assertIn(row["name"] if isinstance(row, dict) else row, text)

    def test_every_fault_of_the_list_is_known_to_a_scenario_and_shown_with_its_arguments(self):
        for row in self.rows("faults"):
            shown = json.dumps(row)
            if row["name"] == "latency":
                self.assertIn("delay", shown)
            self.assertTrue(row.get("summary"))

    def rows(self, what):
        listed = json.loads(self.said("list", what, "--json"))
        return listed if isinstance(listed, list) else next(
            v for v in listed.values() if isinstance(v, list))

    def test_metrics_say_their_unit_and_definition(self):
        for row in self.rows("metrics"):
            self.assertTrue(row.get("unit") is not None, row)
            self.assertTrue(row.get("definition") or row.get("summary"), row)

    def test_colour_only_on_a_terminal(self):
        small = self.write("small.json", chaos.SMALL)
        told = self.chaos(small, "--out", self.path("out"), "--no-plots")
        self.assertNotIn("\x1b", told.out + told.err)

    def test_quiet_has_no_progress_and_keeps_the_verdict(self):
        told = self.run_small("out")
        self.assert_code(0, told)
        self.assertEqual("", told.err)
        self.assertIn(self.path("out"), told.out)

    def test_the_verdict_fits_one_screen(self):
        told = self.run_small("out")
        lines = told.out.rstrip("\n").split("\n")
        self.assertLessEqual(len(lines), 40)
        for line in lines:
            if "/" not in line:  # a path is as long as it is
                self.assertLessEqual(len(line), 100, line)
        for words in ("with healing", "without", "reaction", "prediction", "availability >= 10%"):
            self.assertIn(words, told.out)

    def test_the_verdict_says_what_result_json_says(self):
        told = self.run_small("out")
        result = self.result()
        mark = "✓" if result["thresholds"][0]["outcome"] == "passed" else "✗"
        line = next(line for line in told.out.split("\n") if "availability >= 10%" in line)
        self.assertIn(mark, line)
