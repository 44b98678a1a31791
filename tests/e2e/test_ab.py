"""`chaos-run ab`: strategies on the same chance, from the command line to the result."""
import json

import chaos

# Sets a retry on every edge, so that B makes other calls than A at other times.
RETRYING = {"name": "retrying", "extends": "none",
            "retry": {"default": {"max": 3, "initial": "50ms"}}}


class Comparison(chaos.Case):
    def compare(self, *args, out="out", scenario=None, **how):
        path = self.write("small.json", scenario or chaos.SMALL)
        return self.chaos("ab", path, "--out", self.path(out), "--no-plots", "--quiet", *args, **how)

    def ab(self, out="out"):
        return self.result(out)["ab"]

    def row(self, name, out="out"):
        return next(row for row in self.ab(out)["metrics"] if row["metric"] == name)

    def test_a_strategy_is_identical_to_itself(self):
        told = self.compare("--a", "default", "--b", "default", "--runs", "3")
        self.assert_code(0, told)
        self.assertIn("identical", told.out)
        self.assertEqual("identical", self.ab()["verdict"])
        self.assertEqual({"identical", "inconclusive"},
                         {row["verdict"] for row in self.ab()["metrics"]})
        for row in self.ab()["metrics"]:
            self.assertIn(row["difference"]["value"], (0, None))
            if row["verdict"] == "inconclusive":
                self.assertEqual(0, row["n"])

    def test_nothing_is_worse_where_healing_helps(self):
        """Soon decided, and the same the other way round, with every sign turned."""
        few = chaos.small(analysis={"max_runs": 36})
        self.assert_code(6, self.compare("--a", "default", "--b", "none", scenario=few))
        told = self.compare("--a", "none", "--b", "default", out="back", scenario=few)
        self.assertIn(told.code, (0, 6, 7), told)  # bad_seconds of this small world: worse, or open
        there, back = self.row("failed_requests"), self.row("failed_requests", "back")
        self.assertEqual(("B worse", "B better"), (there["verdict"], back["verdict"]))
        self.assertEqual(self.ab()["design"]["pairs"], self.ab("back")["design"]["pairs"])
        for one, other in zip(self.ab()["metrics"], self.ab("back")["metrics"]):
            if one["metric"] != other["metric"] or one["difference"]["value"] is None:
                continue
            for key, turned in (("value", "value"), ("low", "high"), ("high", "low")):
                mine, theirs = one["difference"][key], other["difference"][turned]
                self.assertEqual(mine, None if theirs is None else -theirs, one["metric"])
            self.assertEqual(one["p"], other["p"], one["metric"])

    def test_two_replications_decide_nothing(self):
        told = self.compare("--a", "default", "--b", "none", "--runs", "2")
        self.assert_code(7, told)
        self.assertEqual("inconclusive", self.ab()["verdict"])
        self.assertEqual(("inconclusive", 7), (self.result()["outcome"], self.result()["exit_code"]))
        for choice, code in (("pass", 0), ("fail", 1)):
            self.assert_code(code, self.compare("--a", "default", "--b", "none", "--runs", "2",
                                                "--inconclusive", choice))

    def test_the_result_is_the_same_for_any_number_of_threads(self):
        for jobs in ("1", "3"):
            self.compare("--a", "default", "--b", "aggressive", "--c", "none", "--runs", "8",
                         "--jobs", jobs, out="jobs" + jobs)
        names = [name for name in chaos.REPEATABLE if name != "journal.jsonl"]
        self.assert_same_files("jobs1", "jobs3", names)

    def test_values_of_a_pair_are_those_of_plain_runs(self):
        """With a fixed cooldown, so that no arm waits for another strategy's."""
        fixed = chaos.small(cooldown="2m")
        self.compare("--a", "default", "--b", "none", "--runs", "3", scenario=fixed)
        row = self.row("failed_requests")
        for strategy, values in (("default", row["a_values"]), ("none", row["b_values"])):
            self.run_small(strategy, fixed, "--strategy", strategy)
            metric = self.result(strategy)["arms"]["treated"]["metrics"]["failed_requests"]
            self.assertAlmostEqual(metric["value"], sum(values) / 3, 6)

    def test_the_worst_replication_can_be_looked_at(self):
        fixed = chaos.small(cooldown="2m")
        told = self.compare("--a", "default", "--b", "none", "--runs", "6", scenario=fixed)
        worst = self.ab()["worst"]
        self.assertIn(worst["command"], told.out)
        words = worst["command"].split()[1:]
        self.chaos(*words, "--out", self.path("worst"), "--no-plots", "--quiet")
        value = self.result("worst")["arms"]["treated"]["metrics"]["failed_requests"]["value"]
        self.assertAlmostEqual(worst["b"], value, 6)

    def test_common_chance_is_worth_something_and_more_calls_of_b_do_not_move_it(self):
        self.write("retrying.json", RETRYING)
        told = self.compare("--a", "none", "--b", self.path("retrying.json"), "--runs", "12")
        self.assertIn(told.code, (0, 6, 7), told)  # not 70: what is exogenous agreed
        self.assertGreater(self.ab()["design"]["variance_ratio"], 1)

    def test_precision_stops_when_the_interval_is_narrow_enough(self):
        self.compare("--a", "default", "--b", "none", "--precision", "400", out="wide")
        self.compare("--a", "default", "--b", "none", "--precision", "35", out="narrow")
        for out, width in (("wide", 400), ("narrow", 35)):
            difference = self.row("failed_requests", out)["difference"]
            self.assertLess(difference["high"] - difference["low"], width)
        self.assertLess(self.ab("wide")["design"]["pairs"], self.ab("narrow")["design"]["pairs"])

    def test_the_analysis_of_the_scenario_is_heeded(self):
        scenario = chaos.small(analysis={
            "confidence": 0.9, "primary": "bad_seconds", "max_runs": 31,
            "metrics": [{"name": "latency_p99", "direction": "lower", "critical": True,
                         "margin": "20ms"}]})
        self.compare("--a", "default", "--b", "aggressive", scenario=scenario)
        ab = self.ab()
        self.assertEqual(0.9, ab["design"]["confidence"])
        self.assertLessEqual(ab["design"]["pairs"], 31)
        self.assertEqual(("bad_seconds", "primary"), (ab["metrics"][0]["metric"],
                                                      ab["metrics"][0]["role"]))
        latency = self.row("latency_p99")
        self.assertEqual(("guardrail", 0.02), (latency["role"], latency["margin"]))

    def test_the_worse_strategy_never_loses_more_than_the_limit(self):
        """Not even in the first pair, which is cut in its middle; what was whole before is compared."""
        self.compare("--a", "default", "--b", "none", "--runs", "8", out="free")
        values = self.row("failed_requests", "free")
        differences = [b - a for a, b in zip(values["a_values"], values["b_values"])]
        for limit, whole in ((0.6 * differences[0] + 60, 0), (sum(differences[:6]) + 300, 6)):
            scenario = chaos.small(analysis={"primary": "failed_requests", "max_loss": limit})
            told = self.compare("--a", "default", "--b", "none", "--runs", "8", scenario=scenario,
                                out="limited")
            design = self.ab("limited")["design"]
            self.assertTrue(design["stopped_by_loss"])
            self.assertLessEqual(design["loss"], limit)
            self.assertGreater(design["loss"], 0.3 * limit)
            self.assertLessEqual(design["pairs"], whole + 1)
            self.assertGreaterEqual(design["pairs"], max(0, whole - 2))
            self.assertEqual(design["pairs"], design["cut"]["replication"])
            self.assertEqual(design["pairs"], self.result("limited")["runs"])
            self.assertIn("stopped at a loss of", " ".join(told.out.split()))
        told = self.compare("--a", "default", "--b", "none", out="none", scenario=chaos.small(
            analysis={"primary": "failed_requests", "max_loss": 1}))
        self.assert_code(2, told)
        self.assertIn("analysis.max_loss: a second may lose", told.err)

    def test_several_scenarios_end_in_a_table(self):
        self.write("many/a.json", chaos.SMALL)
        self.write("many/b.json", chaos.small(seed=8))
        told = self.chaos("ab", self.path("many"), "--a", "default", "--b", "default", "--runs",
                          "2", "--out", self.path("several"), "--no-plots", "--quiet")
        self.assert_code(0, told)
        for stem in ("a", "b"):
            self.assertEqual("identical", self.ab("several/" + stem)["verdict"])
        self.assertEqual("passed", told.out.strip().splitlines()[-1])
        with open(self.path("several", "comparison.json"), encoding="utf-8") as f:
            board = json.load(f)
        self.assertEqual(["a.json", "b.json"], [s["file"] for s in board["scenarios"]])
        self.assertEqual(["identical"], [one["verdict"] for one in board["overall"]])
        with open(self.path("several", "comparison.md"), encoding="utf-8") as f:
            self.assertIn("| **over all** | | **identical** |", f.read())

    def test_a_gate_that_fails_makes_the_comparison_invalid(self):
        gate = {"title": "impossibly quick", "probes": [
            {"name": "quick", "metric": "latency_p99", "service": "shop", "window": "1m",
             "tolerance": "< 1us"}]}
        told = self.compare("--a", "default", "--b", "none", "--runs", "2",
                            scenario=chaos.small(steady_state=gate))
        self.assert_code(3, told)
        self.assertEqual("gate_failed", self.result()["outcome"])

    def test_what_is_asked_for_wrongly_is_answered_in_one_line(self):
        path = self.write("small.json", chaos.SMALL)
        for args, words in (
                (["ab", path], "--a S"),
                (["ab", path, "--a", "default"], "--b S"),
                (["ab", path, "--a", "x", "--a", "y", "--b", "z"], "one --a S"),
                (["ab", path, "--a", "default", "--b", "defalt"], "nearest: 'default'"),
                (["ab", path, "--a", "default", "--b", "none", "--precision", "wide"], "--precision"),
                (["ab", path, "--a", "default", "--b", "none", "--precision", "5", "--runs", "9"],
                 "one of them"),
                (["ab", "--a", "default", "--b", "none"], "no scenario"),
                ([path, "--a", "default"], "--a is no option")):
            told = self.chaos(*args, "--out", self.path("out"))
            self.assert_code(2, told)
            self.assertIn(words, told.err)
            self.assertEqual(1, len(told.err.strip().splitlines()), told)

    def test_no_number_is_missing_its_n_or_not_a_number(self):
        self.compare("--a", "default", "--b", "none", "--runs", "2")
        text = open(self.path("out", "result.json"), encoding="utf-8").read()
        json.loads(text, parse_constant=self.fail)
        for row in self.ab()["metrics"]:
            for part in ("a", "b", "difference"):
                self.assertIn("n", row[part])
                self.assertEqual(row["n"] == 0, row[part]["value"] is None, row["metric"])
