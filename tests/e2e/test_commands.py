"""plan, init, explain, list scenarios, and what is installed beside the program."""
import glob
import json
import os
import re
import shutil
import subprocess
import unittest

import chaos


class Init(chaos.Case):
    def test_what_it_writes_is_valid_and_passes_within_seconds(self):
        self.assert_code(0, self.chaos("init", "shop"))
        self.assertEqual(["shop.json"], self.files_below(self.folder))
        self.assert_code(0, self.chaos("validate", "shop.json"))
        told = self.chaos("shop.json", "--no-plots", "--quiet", "--out", "out", within_s=60)
        self.assert_code(0, told)

    def test_the_five_minutes_of_the_readme_lead_to_a_scenario(self):
        """Its fault and its thresholds, put where it says; and the error that it shows."""
        with open(os.path.join(chaos.ROOT, "README.md"), encoding="utf-8") as f:
            text = f.read().split("in five minutes", 1)[1].split("###", 1)[0]
        fault = re.search(r"```json\n(.*?)```", text, re.S).group(1)
        thresholds = re.search(r'`("thresholds": .*?\])`', text).group(1)
        self.chaos("init", "shop")
        with open(self.path("shop.json"), encoding="utf-8") as f:
            scenario = json.load(f)
        scenario["method"].append(json.loads(fault))
        scenario.update(json.loads("{%s}" % thresholds))
        self.write("mine.json", scenario)
        self.assert_code(0, self.chaos("validate", "mine.json"))
        told = self.chaos("mine.json", "--runs", "2", "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 1, 6), str(told))
        self.assertIn("prevention_rate >= 20%", told.out)
        scenario["method"][-1]["fault"] = "memory_leek"
        self.write("mine.json", scenario)
        told = self.chaos("validate", "mine.json")
        self.assert_code(2, told)
        self.assertIn(re.search(r"no fault named 'memory_leek' \(.*?\)", text).group(0), told.err)

    def test_its_notes_and_its_schema_hold(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("no jsonschema here")
        self.chaos("init")
        with open(self.path("scenario.json"), encoding="utf-8") as f:
            text = f.read()
        with open(chaos.PREFIXES[0] + "/share/chaos-run/schema/scenario.schema.json",
                  encoding="utf-8") as f:
            jsonschema.Draft202012Validator(json.load(f)).validate(json.loads(text))
        self.assertGreater(len(re.findall(r'"x_\w+"', text)), 8)

    def test_it_writes_over_nothing(self):
        self.write("shop.json", "mine")
        for name in ("shop", "shop.json"):
            told = self.chaos("init", name)
            self.assert_code(2, told)
            self.assertIn("shop.json is there already", told.err)
        with open(self.path("shop.json"), encoding="utf-8") as f:
            self.assertEqual("mine", f.read())

    def test_a_folder_that_is_not_there_is_an_io_error(self):
        told = self.chaos("init", "nowhere/shop")
        self.assert_code(74, told)
        self.assertIn("nowhere/shop.json: No such file or directory", told.err)
        self.assert_code(2, self.chaos("init", "a", "b"))


class Plan(chaos.Case):
    def planned(self, *args):
        told = self.chaos("plan", *args, "--json")
        self.assert_code(0, told)
        return json.loads(told.out)

    def test_it_is_what_a_run_then_does(self):
        path = self.write("small.json", chaos.SMALL)
        self.assert_code(0, self.run_small("out", None, "--journal", "all"))
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        taken = set()
        for run in range(chaos.SMALL["replications"]):
            method = self.planned(path, "--replication", str(run))["method"]
            self.assertEqual(["slow bank", "bank dies"], [entry["name"] for entry in method])
            self.assertEqual("1m", method[0]["duration"])
            started = [line for line in lines if line["run"] == run and line["arm"] == "treated"
                       and line["type"] == "fault_started"]
            self.assertEqual([60, 180], [line["t"] for line in started])
            places = [line["instance"] - 2 for line in started if "instance" in line]
            self.assertEqual(method[1]["target"]["instances"], places)
            taken.update(places)
        self.assertTrue(taken <= {0, 1})

    def test_its_entries_may_be_pasted(self):
        path = self.write("small.json", chaos.SMALL)
        method = self.planned(path, "--seed", "11")["method"]
        pasted = self.write("pasted.json", chaos.small(method=method))
        self.assert_code(0, self.chaos("validate", pasted))
        self.assertEqual(method, self.planned(pasted, "--seed", "12")["method"])

    def test_another_seed_draws_other_targets(self):
        path = self.write("small.json", chaos.SMALL)
        drawn = {json.dumps(self.planned(path, "--seed", str(seed))["method"])
                 for seed in range(12)}
        self.assertEqual(2, len(drawn))

    def test_the_text_is_in_order_fits_a_terminal_and_nothing_is_written(self):
        path = self.write("small.json", chaos.SMALL)
        told = self.chaos("plan", path)
        self.assert_code(0, told)
        marks = ["-5:00.0", "0:00.0  begin", "1:00.0  fault", "2:00.0  lifted", "3:00.0  fault",
                 "6:00.0  end", "availability >= 10%"]
        places = [told.out.find(mark) for mark in marks]
        self.assertNotIn(-1, places, told.out)
        self.assertEqual(sorted(places), places, told.out)
        for line in told.out.split("\n"):
            self.assertLessEqual(len(line), 80, line)
        self.assertEqual(["small.json"], self.files_below(self.folder))

    def test_overrides_count(self):
        path = self.write("small.json", chaos.SMALL)
        plan = self.planned(path, "--skip", "bank dies", "--set", "duration=7m", "--strategy", "none")
        self.assertEqual(["slow bank"], [entry["name"] for entry in plan["method"]])
        self.assertEqual(("7m", "none"), (plan["duration"], plan["healer"]))

    def test_an_invalid_scenario_is_refused(self):
        path = self.write("bad.json", chaos.small(duration=5))
        told = self.chaos("plan", path)
        self.assert_code(2, told)
        self.assertIn("bad.json:", told.err)
        self.assertEqual("", told.out)
        self.assert_code(2, self.chaos("plan"))


class Explain(chaos.Case):
    def test_the_worst_and_any_other_incident_are_told_with_the_results_numbers(self):
        self.assert_code(0, self.run_small("out"))
        incidents = self.result()["arms"]["treated"]["incidents"]
        self.assertGreater(len(incidents), 0)
        told = self.chaos("explain", "out")
        self.assert_code(0, told)
        self.assertIn("incidents: ", told.out)
        for number in (1, len(incidents)):
            incident = incidents[number - 1]
            story = self.chaos("explain", "out/result.json", "--incident", str(number))
            self.assert_code(0, story)
            self.assertIn("incident %d of" % number, story.out)
            self.assertIn("%s, run %d" % (incident["service"], incident["run"]), story.out)
            onset = "%d:%04.1f   +0:00.0  onset" % divmod(incident["o"], 60)
            self.assertIn(onset, story.out)
            for line in story.out.split("\n"):
                self.assertLessEqual(len(line), 80, line)
            for arm in ("treated", "shadow", "untreated", "quiet", "calm"):
                self.assertRegex(story.out, r"(?m)^  %s " % arm)

    def test_the_journal_adds_what_telemetry_showed(self):
        self.assert_code(0, self.run_small("out"))
        first = next(i for i, incident in enumerate(self.result()["arms"]["treated"]["incidents"], 1)
                     if incident["run"] == 0 and incident["faults"])
        with_journal = self.chaos("explain", "out", "--incident", str(first)).out
        self.assertNotIn("no journal", with_journal)
        self.assertRegex(with_journal, r"  fault     (slow bank: latency at shop->bank|bank dies: crash)")
        os.remove(self.path("out", "journal.jsonl"))
        without = self.chaos("explain", "out", "--incident", str(first)).out
        self.assertIn("no journal of run 0", without)

    def test_a_wrong_number_or_result_is_refused(self):
        self.assert_code(0, self.run_small("out"))
        self.assert_code(2, self.chaos("explain", "out", "--incident", "99999"))
        self.assert_code(2, self.chaos("explain", "out", "--incident", "0"))
        self.assert_code(2, self.chaos("explain", "nowhere"))
        self.assert_code(2, self.chaos("explain"))


class Installed(chaos.Case):
    def share(self, *names):
        return os.path.join(chaos.PREFIXES[0], "share", *names)

    def test_the_shipped_scenarios_are_listed_and_run_from_the_prefix(self):
        told = self.chaos("list", "scenarios", "--json", cwd="/")
        self.assert_code(0, told)
        listed = {os.path.basename(row["name"]): row for row in json.loads(told.out)}
        shipped = {os.path.basename(path) for path in glob.glob(chaos.SCENARIOS + "/*.json")
                   if not path.endswith(".schema.json")}
        self.assertEqual(shipped, set(listed))
        told = self.chaos(listed["crash.json"]["name"], "--runs", "1", "--no-plots", "--quiet",
                          "--out", "out")
        self.assertTrue(os.path.exists(self.path("out", "result.json")), told)

    def test_scenarios_of_a_folder_are_listed(self):
        self.write("mine/one.json", chaos.small(title="One\x1b of them"))
        self.write("mine/broken.json", "{")
        self.write("mine/other.json", "{}")
        told = self.chaos("list", "scenarios", "mine")
        self.assert_code(0, told)
        self.assertEqual("mine/one.json\n  One\ufffd of them\n", told.out)
        self.assertIn("broken.json", told.err)
        self.assert_code(2, self.chaos("list", "scenarios", "nowhere"))
        self.assert_code(2, self.chaos("list", "faults", "mine"))

    def test_papers_and_schemas_are_there(self):
        for path in ("doc/chaos-run/LICENSE", "doc/chaos-run/README.md",
                     "chaos-run/schema/result.schema.json", "chaos-run/schema/scenario.schema.json",
                     "chaos-run/scenarios/fleets/boutique.json", "man/man1/chaos-run.1",
                     "man/man5/chaos-run-scenario.5"):
            self.assertTrue(os.path.exists(self.share(path)), path)

    def words(self):
        return json.loads(self.chaos("__words").out)

    def test_the_man_page_names_every_command_and_option(self):
        with open(self.share("man/man1/chaos-run.1"), encoding="utf-8") as f:
            page = f.read().replace("\\-", "-")
        for command in self.words()["commands"]:
            self.assertIn("\\fBchaos-run %s\\fR" % command["name"] if command["name"]
                          else "\\fBchaos-run\\fR", page)
            for option in command["options"]:
                self.assertIn("\\fB--%s\\fR" % option["name"], page)

    def test_the_page_of_the_scenario_names_every_key_fault_and_metric(self):
        with open(self.share("man/man5/chaos-run-scenario.5"), encoding="utf-8") as f:
            page = f.read().replace("\\-", "-")
        with open(self.share("chaos-run/schema/scenario.schema.json"), encoding="utf-8") as f:
            names = list(json.load(f)["properties"])
        for what in ("faults", "metrics"):
            listed = json.loads(self.chaos("list", what, "--json").out)
            names += [row["name"] for row in listed]
        for name in names:
            self.assertRegex(page, r"(\\fB|\.SS )%s\b" % re.escape(name))

    def test_man_has_nothing_against_them(self):
        if not shutil.which("groff"):
            self.skipTest("no groff here")
        for page in ("man1/chaos-run.1", "man5/chaos-run-scenario.5"):
            told = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", self.share("man", page)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            complaints = [line for line in told.stderr.split("\n")
                          if line and "can't break" not in line and "cannot adjust" not in line
                          and "cannot break" not in line]
            self.assertEqual([], complaints)

    def completed(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chaos_run; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        path = self.share("bash-completion/completions/chaos-run.bash")
        told = subprocess.run(["bash", "-c", script, "bash", path, *words], cwd=self.folder,
                              env=chaos.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual("", told.stderr)
        return [word for word in told.stdout.split("\n") if word]

    def test_words_are_completed(self):
        self.write("shop.json", "{}")
        self.write("notes.txt", "")
        os.mkdir(self.path("results"))
        self.assertEqual(["explain"], self.completed("chaos-run", "exp"))
        self.assertEqual(["results", "shop.json"], self.completed("chaos-run", "plan", ""))
        self.assertEqual(["--incident"], self.completed("chaos-run", "explain", "--i"))
        self.assertEqual(["reactive"], self.completed("chaos-run", "--strategy", "rea"))
        self.assertEqual(["reactive"], self.completed("chaos-run", "--strategy", "=", "rea"))
        self.assertEqual(["json,junit"], self.completed("chaos-run", "--format", "json,ju"))
        self.assertEqual(["fail"], self.completed("chaos-run", "--inconclusive", "f"))
        self.assertEqual(["metrics"], self.completed("chaos-run", "list", "me"))
        for command in self.words()["commands"]:
            if command["name"]:
                self.assertIn(command["name"], self.completed("chaos-run", ""))


if __name__ == "__main__":
    unittest.main()
