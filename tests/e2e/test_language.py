"""What a scenario can say of time and order, and what a run makes of it.

Plays that follow what the healer does, stop conditions, the matrix, safety and
`outputs`, in the small world.
"""
import json
import os
import unittest

import chaos

SLOW = {"fault": "latency", "target": {"from": "shop", "to": "bank"}, "duration": "40s",
        "probability": 0.8, "arguments": {"delay": "2s"}}
CODES = {"passed": 0, "failed": 1, "not_effective": 4, "stopped": 5}


def entry(**keys):
    return {**SLOW, **keys}


class Case(chaos.Case):
    def journal(self, out="out"):
        with open(self.path(out, "journal.jsonl"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def starts(self, name, out="out"):
        """Times of a fault's starts in replication 0, by arm."""
        found = {}
        for line in self.journal(out):
            if line["type"] == "fault_started" and line["fault"] == name:
                found.setdefault(line["arm"], []).append(line["t"])
        return found


class When(Case):
    COUPLED = [entry(name="slow", at="1m"),
               entry(name="more", when={"event": "breaker_opened", "service": "bank", "delay": "3s"},
                     duration="20s")]

    def test_plays_follow_the_treated_arm_and_are_the_same_in_the_others(self):
        told = self.run_small(scenario=chaos.small(method=self.COUPLED))
        self.assertIn(told.code, (0, 6), told)
        starts = self.starts("more")
        self.assertEqual({"treated", "shadow", "untreated"}, set(starts))
        self.assertGreater(len(starts["treated"]), 0)
        for arm in starts:
            self.assertEqual(starts["treated"], starts[arm])
        opened = [line["t"] for line in self.journal()
                  if line["type"] == "breaker_opened" and line["arm"] == "treated"]
        for t in starts["treated"]:
            self.assertTrue(any(0 <= t - at - 3 <= 0.11 for at in opened), (t, opened))
        result = self.result()
        self.assertTrue(result["flags"]["policy_coupled"])
        self.assertEqual([False, True], [fault["policy_coupled"] for fault in result["faults"]])
        self.assertTrue(all(invariant["holds"] for invariant in result["invariants"]))

    def test_the_same_bytes_with_one_thread_and_with_four(self):
        scenario = chaos.small(method=self.COUPLED, stop_conditions=[
            {"name": "bad", "metric": "availability", "tolerance": ">= 20%", "for": "10s"}])
        self.run_small("one", scenario, "--jobs", "1")
        self.run_small("four", scenario, "--jobs", "4")
        self.assert_same_files("one", "four")

    def test_one_play_at_a_time(self):
        self.run_small(scenario=chaos.small(method=self.COUPLED, replications=1))
        starts = self.starts("more")["treated"]
        for first, second in zip(starts, starts[1:]):
            self.assertGreaterEqual(second, first + 20)

    def test_what_is_never_triggered_is_not_effective(self):
        told = self.run_small(scenario=chaos.small(method=[
            entry(name="slow", at="1m"),
            entry(name="never", when={"event": "action_started", "action": "rollback_deployment"})]))
        self.assert_code(CODES["not_effective"], told)
        result = self.result()
        self.assertEqual([True, False], [fault["effective"] for fault in result["faults"]])

    def test_two_strategies_have_their_own_times(self):
        self.write("s.json", chaos.small(method=self.COUPLED))
        told = self.chaos("ab", self.path("s.json"), "--a", "default", "--b", "none", "--runs", "4",
                          "--out", self.path("ab"), "--no-plots", "--quiet")
        # With "none" the entry is never triggered.
        self.assert_code(CODES["not_effective"], told)
        told = self.chaos("ab", self.path("s.json"), "--a", "default", "--b", "aggressive", "--runs",
                          "4", "--out", self.path("ab2"), "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 6, 7), told)


class Stop(Case):
    STOP = [{"name": "users suffer", "metric": "availability", "tolerance": ">= 50%", "window": "10s",
             "for": "25s"}]

    def stopped(self, **changes):
        scenario = chaos.small(healer="none", stop_conditions=self.STOP, **changes)
        return self.run_small(scenario=scenario)

    def test_all_arms_are_cut_at_the_same_time_and_faults_are_lifted(self):
        self.assert_code(CODES["stopped"], self.stopped())
        result, journal = self.result(), self.journal()
        self.assertEqual("stopped", result["outcome"])
        self.assertTrue(result["flags"]["stopped"])
        self.assertTrue(result["flags"]["policy_coupled"])
        ends = {line["arm"]: line["t"] for line in journal if line["type"] == "run_ended"}
        stops = {line["arm"]: line for line in journal if line["type"] == "stop"}
        self.assertEqual(1, len(set(ends.values())), ends)
        self.assertEqual(set(ends), set(stops))
        end = ends["treated"]
        # The fault comes at 60 s; it needs the window and the 25 s.
        self.assertTrue(85 <= end <= 110, end)
        for line in stops.values():
            self.assertEqual((end, "users suffer"), (line["t"], line["text"]))
        self.assertLess(stops["treated"]["value"], 0.5)
        lifted = [line for line in journal if line["type"] == "fault_ended" and line["t"] == end]
        self.assertTrue(lifted)
        self.assertTrue(all(invariant["holds"] for invariant in result["invariants"]))

    def test_a_break_that_is_too_short_stops_nothing(self):
        told = self.stopped(method=[entry(name="slow", at="1m", duration="20s")])
        self.assertNotEqual(CODES["stopped"], told.code)
        self.assertFalse(self.result()["flags"]["stopped"])

    def test_with_a_healer_only_treated_decides(self):
        """The default healer keeps availability up; untreated would have been stopped."""
        told = self.run_small(scenario=chaos.small(stop_conditions=self.STOP))
        self.assertIn(told.code, (0, 6), told)


class Written(Case):
    """What was played is written out, and pasted it does the same."""

    RANDOM = [entry(name="again", repeat={"every": "50s", "jitter": "10s"},
                    duration={"dist": "uniform", "min": "5s", "max": "15s"}),
              {"name": "dies", "fault": "crash", "rate": "30/h", "target": {"random": 1}},
              {"monkey": {"rate": "1/min", "budget": 3, "faults": ["pause", "crash"]}}]

    def test_the_plan_pasted_gives_the_same_run(self):
        self.write("random.json", chaos.small(method=self.RANDOM))
        told = self.chaos("plan", self.path("random.json"), "--json", "--replication", "2")
        self.assert_code(0, told)
        self.write("fixed.json", chaos.small(method=json.loads(told.out)["method"]))
        for name in ("random", "fixed"):
            self.chaos(self.path(name + ".json"), "--replication", "2", "--out", self.path(name),
                       "--no-plots", "--quiet", "--format", "json,csv,journal")
        self.assert_same_files("random", "fixed", ["series.csv"])
        entries = [[line["entry"] for line in self.journal(name) if line["type"] == "fault_started"]
                   for name in ("random", "fixed")]
        self.assertEqual(*entries)
        self.assertGreater(len(entries[0]), 10)

    def test_the_journal_pasted_gives_the_same_run(self):
        self.write("random.json", chaos.small(method=self.RANDOM))
        self.chaos(self.path("random.json"), "--replication", "0", "--out", self.path("random"),
                   "--no-plots", "--quiet")
        method = [line["entry"] for line in self.journal("random")
                  if line["type"] == "fault_started" and line["arm"] == "untreated"]
        self.write("fixed.json", chaos.small(method=method))
        self.chaos(self.path("fixed.json"), "--replication", "0", "--out", self.path("fixed"),
                   "--no-plots", "--quiet")
        self.assert_same_files("random", "fixed", ["series.csv"])

    def test_a_rate_of_plays_is_one_fault_with_several_windows(self):
        self.run_small(scenario=chaos.small(method=[
            entry(name="r", repeat={"every": "100s", "count": 3}, duration="10s")]))
        faults = self.result()["faults"]
        self.assertEqual(1, len(faults))
        self.assertEqual(3, len(faults[0]["windows"]))


class Matrix(Case):
    def test_a_folder_for_each_combination(self):
        scenario = chaos.small(
            configuration={"matrix": {"delay": ["1s", "2s"], "share": [0.5, 0.8]}}, replications=1,
            method=[entry(at="1m", probability="${share}", arguments={"delay": "${delay}"})])
        self.write("m.json", scenario)
        told = self.chaos(self.path("m.json"), "--out", self.path("out"), "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 6), told)
        self.assertEqual(["delay=1s,share=0.5", "delay=1s,share=0.8", "delay=2s,share=0.5",
                          "delay=2s,share=0.8"], sorted(os.listdir(self.path("out", "m"))))
        result = self.result(os.path.join("out", "m", "delay=2s,share=0.5"))
        self.assertEqual({"delay": "2s", "share": "0.5"}, result["variables"])
        self.assertIn("delay=2s,share=0.5", result["scenario"]["title"])

    def test_var_settles_a_dimension_and_validate_reads_all(self):
        scenario = chaos.small(configuration={"matrix": {"delay": ["1s", "2 s"]}}, replications=1,
                               method=[entry(at="1m", arguments={"delay": "${delay}"})])
        path = self.write("m.json", scenario)
        told = self.chaos("validate", path)
        self.assert_code(2, told)
        self.assertIn("'2 s' has an unknown unit", told.err)
        self.assert_code(0, self.chaos("validate", path, "--var", "delay=1s"))
        told = self.chaos(path, "--var", "delay=1s", "--out", self.path("out"), "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 6), told)
        self.assertTrue(os.path.exists(self.path("out", "result.json")))

    def test_a_folder_name_is_tame(self):
        scenario = chaos.small(configuration={"matrix": {"x": ["a/b", "../c"]}}, replications=1,
                               description="${x}")
        path = self.write("m.json", scenario)
        self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet")
        self.assertEqual(["x=.._c", "x=a_b"], sorted(os.listdir(self.path("out", "m"))))


class Safety(Case):
    def test_approval(self):
        path = self.write("s.json", chaos.small(safety={"require_approval": True}, replications=1))
        told = self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet")
        self.assert_code(2, told)
        self.assertIn("--approve", told.err)
        self.assertFalse(os.path.exists(self.path("out")))
        self.assert_code(0, self.chaos("validate", path))
        told = self.chaos(path, "--approve", "--out", self.path("out"), "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 6), told)

    def test_s3_34_where_chaos_is_off_nothing_goes_around_it(self):
        path = self.write("s.json", chaos.small(safety={"require_approval": True}, replications=1))
        for command in ([path, "--approve"], [path, "--approve", "--set", "safety={}", "--env"],
                        ["ab", path, "--approve", "--a", "none", "--b", "default", "--runs", "2"],
                        ["train", path, "--out", self.path("state.json")]):
            with self.subTest(command=command):
                out = [] if command[0] == "train" else ["--out", self.path("out")]
                told = self.chaos(*command, *out, env={"CHAOS_RUN_OFF": "1"})
                self.assert_code(2, told)
                self.assertIn("CHAOS_RUN_OFF is set", told.err)
                self.assertEqual(["s.json"], os.listdir(self.folder))
        for command in ("plan", "validate"):
            self.assert_code(0, self.chaos(command, path, env={"CHAOS_RUN_OFF": "1"}))
        told = self.chaos(path, "--approve", "--out", self.path("out"), "--no-plots", "--quiet",
                          env={"CHAOS_RUN_OFF": "0"})
        self.assertIn(told.code, (0, 6), told)

    def test_concurrency_by_chance_is_refused_before_anything_runs(self):
        path = self.write("s.json", chaos.small(safety={"max_concurrent_faults": 1}, method=[
            entry(rate="2/min", duration="1m")]))
        told = self.chaos(path, "--out", self.path("out"), "--quiet")
        self.assert_code(2, told)
        self.assertIn("max_concurrent_faults", told.err)
        self.assertFalse(os.path.exists(self.path("out")))
        self.assert_code(2, self.chaos("validate", path))


class Outputs(Case):
    def test_the_file_says_what_is_written_and_the_command_line_wins(self):
        path = self.write("o.json", chaos.small(replications=1, outputs={
            "format": ["json", "md"], "out": "mine", "plots": False, "journal": "none"}))
        self.chaos(path, "--quiet")
        self.assertEqual({"result.json", "report.md", "run.json", "series.csv"}, set(os.listdir(self.path("mine"))))
        self.chaos(path, "--quiet", "--format", "junit", "--out", self.path("other"))
        self.assertIn("junit.xml", os.listdir(self.path("other")))
        self.assertNotIn("report.md", os.listdir(self.path("other")))

    def test_an_unknown_writer_is_refused(self):
        path = self.write("o.json", chaos.small(outputs={"format": ["jsno"]}))
        for words in ([path], ["validate", path]):
            told = self.chaos(*words)
            self.assert_code(2, told)
            self.assertIn("jsno", told.err)


if __name__ == "__main__":
    unittest.main()
