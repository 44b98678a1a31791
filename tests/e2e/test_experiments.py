"""What experiments come to: verdicts that must be as they are, references, knock-out, a table."""
import json
import os
import re
import shutil

import chaos

DATA = os.path.join(chaos.TESTS, "data", "experiments")
STRATEGIES = os.path.join(DATA, "strategies")

# Telemetry that jumps about, and a life with restarts and deployments.
RESTLESS = ["--set", 'fleet.telemetry={"interval":"5s","delay":"1s","noise":0.6}',
            "--set", 'background=[{"kind":"benign_restart","rate":"120/h"},'
                     '{"kind":"good_deployment","rate":"60/h"}]']


def experiment(name):
    return os.path.join(DATA, name)


def strategy(name):
    return os.path.join(STRATEGIES, name + ".json")


class Verdicts(chaos.Case):
    def compare(self, file, a, b, *args, out="out", **how):
        return self.chaos("ab", file, "--a", a, "--b", b, "--out", self.path(out), "--no-plots",
                          "--quiet", "--format", "json", "--allow-path", DATA, *args, **how)

    def test_without_breakers_the_retry_storm_never_ends(self):
        """Where nothing else heals; beside all that `default` does, it ends and costs more requests."""
        breakers = self.write("breakers.json", {"name": "breakers alone", "extends": "none",
                                                "circuit_breaker": {"default": {}}})
        for a, b, collapsed in ((breakers, "none", 10), ("default", strategy("unbroken"), None)):
            told = self.compare(experiment("storm.json"), a, b, "--runs", "10", out=str(collapsed))
            self.assert_code(6, told)
            ab = self.result(str(collapsed))["ab"]
            rows = {row["metric"]: row for row in ab["metrics"]}
            self.assertEqual("B worse", rows["failed_requests"]["verdict"])
            events = rows["collapse_ratio"]["events"]
            self.assertEqual(0, events["a"])
            if collapsed is not None:
                self.assertEqual("B worse", ab["verdict"])
                for name in ("bad_seconds", "time_to_restore"):
                    self.assertEqual("B worse", rows[name]["verdict"], name)
                self.assertEqual(collapsed, events["b"])
                self.assertIn("worse in 10 of 10", ab["sentence"])
            self.assertIn("--replication", ab["worst"]["command"])

    def test_faster_but_noisier_is_a_trade_off(self):
        told = self.compare(experiment("shop.json"), strategy("slow"), strategy("noisy"), "--runs",
                            "30", *RESTLESS)
        self.assert_code(6, told)
        ab = self.result()["ab"]
        rows = {row["metric"]: row for row in ab["metrics"] if row["role"] != "exploratory"}
        titles = {verdict: [name.replace("_", " ") for name, row in rows.items()
                            if row["verdict"] == verdict] for verdict in ("B better", "B worse")}
        # Faster is what users see of it, noisier is that one guardrail; nothing else got worse.
        for name in ("failed_requests", "bad_seconds", "time_to_restore"):
            self.assertEqual("B better", rows[name]["verdict"], name)
        self.assertEqual(["false actions per week"], titles["B worse"])
        better = titles["B better"]
        self.assertEqual("trade-off: B better on %s and %s, worse on false actions per week"
                         % (", ".join(better[:-1]), better[-1]), ab["verdict"])
        self.assertIn(ab["verdict"], " ".join(told.out.split()))

    def test_conservative_and_aggressive_are_decided_on_latency(self):
        """On what users feel. With as few pairs one false action leaves that guardrail open, and
        the verdict with it."""
        told = self.compare(os.path.join(chaos.SCENARIOS, "latency.json"), "conservative",
                            "aggressive", "--runs", "8", within_s=300)
        self.assertIn(told.code, (0, 7), told)
        ab = self.result()["ab"]
        rows = {row["metric"]: row["verdict"] for row in ab["metrics"] if row["role"] != "exploratory"}
        for name in ("failed_requests", "bad_seconds", "time_to_restore"):
            self.assertEqual("B better", rows.pop(name), name)
        self.assertIn("fewer requests per run", ab["sentence"])
        still_open = [name for name, verdict in rows.items() if verdict == "inconclusive"]
        self.assertIn(still_open, ([], ["false_actions_per_week"]))
        self.assertEqual("inconclusive" if still_open else "B better", ab["verdict"])
        self.assertGreater(ab["design"]["variance_ratio"], 1)

    def test_several_strategies_have_a_row_a_ranking_and_untreated_beside_them(self):
        told = self.compare(experiment("shop.json"), "default", "none", "--c", "reference:oracle",
                            "--c", "aggressive", "--runs", "8")
        self.assertIn(told.code, (0, 6, 7), told)
        ab = self.result()["ab"]
        self.assertEqual(["none", "reference:oracle", "aggressive"],
                         [one["b"] for one in ab["comparisons"]])
        self.assertEqual([1, 2, 3, 4], [entry["rank"] for entry in ab["ranking"]])
        self.assertEqual("reference:oracle", ab["ranking"][0]["strategy"])
        for entry in ab["ranking"]:
            self.assertEqual(8, entry["value"]["n"])
            self.assertIn("untreated_less", entry)
        self.assertEqual(0, next(entry for entry in ab["ranking"] if entry["strategy"] == "none")
                         ["untreated_less"]["value"])
        # Holm and the limits are over all of them.
        self.assertEqual(3 * 6, ab["design"]["simultaneous"])


class References(chaos.Case):
    def run_shop(self, out, *args, **how):
        return self.chaos(experiment("shop.json"), "--out", self.path(out), "--no-plots", "--quiet",
                          "--runs", "3", *args, **how)

    def test_the_floor_stands_beside_the_grade_and_does_not_move_it(self):
        told = self.run_shop("with", "--floor")
        self.assertIn("Beside the references", told.out)
        self.run_shop("without")
        with_floor, without = self.result("with"), self.result("without")
        floor = with_floor.pop("floor")
        self.assertIsNone(without.pop("floor"))
        for part in ("arms", "waterfall", "outcome", "thresholds", "invariants"):
            self.assertEqual(without[part], with_floor[part], part)
        by_name = {healer["name"]: healer["metrics"] for healer in floor["healers"]}
        self.assertEqual(8, len(by_name))
        for name in ("none", "placebo", "always-alarm"):
            self.assertEqual(0, by_name["reference:" + name]["averted_harm"]["value"])
        oracle = by_name["reference:oracle"]["averted_harm"]
        own = with_floor["arms"]["treated"]["metrics"]["averted_harm"]
        self.assertAlmostEqual(own["value"] / oracle["value"], floor["averted_share"]["value"])
        self.assertEqual(3, floor["averted_share"]["n"])

    def figures(self, section):
        """Those of a section of the page, in order; None where it has no such section."""
        with open(self.path("out", "report.html"), encoding="utf-8") as f:
            found = re.search(r'<section id="%s">.*?</section>' % section, f.read(), re.S)
        return found and [float(word) for value in re.findall(r'<data value="([^"]*)"', found[0])
                          for word in value.split()]

    def test_page_and_summary_show_floor_and_deeds_as_result_json_has_them(self):
        self.run_shop("out")
        self.assertIsNone(self.figures("floor"))
        self.assertIsNone(self.figures("attribution"))
        self.run_shop("out", "--floor", "--attribute")
        result, floor, deeds = self.result(), self.figures("floor"), self.figures("attribution")
        beside = [healer["metrics"] for healer in result["floor"]["healers"]]
        wanted = [metrics[name]["value"]
                  for metrics in [result["arms"]["treated"]["metrics"], *beside]
                  for name in ("failed_requests", "bad_seconds", "averted_harm", "prevention_rate",
                               "false_alarms_per_week", "false_actions_per_week")]
        shown = iter(floor)
        for value in [result["floor"]["averted_share"]["value"], *wanted]:
            if value is not None:  # in this order, limits in between
                self.assertTrue(any(abs(figure - value) <= 1e-9 * abs(value) for figure in shown),
                                (value, floor))
        attribution = result["attribution"]
        counts = [attribution[name] for name in ("helpful", "harmful", "unnecessary")]
        rows = [deed[key] for deed in attribution["deeds"][:200]
                for key in ("run", "episode", "averted")]
        self.assertEqual(counts + [attribution["noise"]] + rows, deeds)
        with open(self.path("out", "report.md"), encoding="utf-8") as f:
            text = f.read()
        self.assertIn(" | %d | %d | %d |" % tuple(counts), text)
        for healer in result["floor"]["healers"]:
            self.assertIn("| %s | " % healer["name"], text)

    def test_the_share_of_the_oracle_is_1(self):
        self.run_shop("out", "--floor", "--strategy", "reference:oracle")
        self.assertAlmostEqual(1, self.result()["floor"]["averted_share"]["value"])

    def test_the_share_is_null_where_there_is_nothing_to_avert(self):
        self.run_shop("out", "--floor", "--set", "method=[]", "--set", 'title="calm"')
        self.assertIsNone(self.result()["floor"]["averted_share"]["value"])
        self.assertEqual(0, self.result()["floor"]["averted_share"]["n"])

    def test_knocked_out_deeds_are_counted_and_else_null(self):
        self.run_shop("plain")
        for name in ("harmful_actions", "unnecessary_actions"):
            metric = self.result("plain")["arms"]["treated"]["metrics"][name]
            self.assertEqual((None, 0), (metric["value"], metric["n"]))
        self.run_shop("out", "--attribute")
        result = self.result()
        attribution, metrics = result["attribution"], result["arms"]["treated"]["metrics"]
        self.assertGreater(len(attribution["deeds"]), 0)
        for word in ("harmful", "unnecessary"):
            self.assertEqual(attribution[word], metrics[word + "_actions"]["count"])
            self.assertEqual(3, metrics[word + "_actions"]["n"])
        self.assertEqual(len(attribution["deeds"]),
                         sum(attribution[word] for word in ("helpful", "harmful", "unnecessary")))
        for part in ("waterfall", "outcome", "faults"):
            self.assertEqual(self.result("plain")[part], result[part], part)

    def test_a_reference_stands_wherever_a_strategy_may(self):
        scenario = chaos.small(healer="reference:placebo")
        self.assert_code(0, self.run_small("out", scenario))
        self.assertEqual("reference:placebo", self.result()["healer"]["name"])
        told = self.run_small("wrong", chaos.small(), "--strategy", "reference:orcale")
        self.assert_code(2, told)
        self.assertIn("(nearest: 'reference:oracle')", told.err)
        told = self.chaos("list", "strategies")
        self.assertIn("reference:scale-to-zero", told.out)

    def test_what_a_database_does_not_hold_is_refused(self):
        for option in ("--floor", "--attribute"):
            told = self.run_shop("out", option, "--db", self.path("x.db"), "--resume")
            self.assert_code(2, told)
            self.assertIn(option, told.err)


class Learning(chaos.Case):
    """What was learned beforehand, on other seeds."""

    def train(self, *args):
        return self.chaos("train", experiment("shop.json"), "--runs", "2", "--out",
                          self.path("state.json"), *args)

    def run_shop(self, out, *args):
        return self.chaos(experiment("shop.json"), "--runs", "2", "--out", self.path(out), "--format",
                          "json,md,html", "--no-plots", "--quiet", *args)

    def assert_same_metrics(self, all_of_arm, some):
        """But for what an arm says besides of each."""
        for name, metric in some.items():
            self.assertEqual({key: all_of_arm[name][key] for key in metric}, metric, name)

    def test_cold_and_warm_stand_side_by_side_over_the_same_replications(self):
        self.assert_code(0, self.train())
        warm = self.write("warm.json", {"name": "warm", "extends": "default",
                                        "initial_state": "state.json"})
        told = self.run_shop("warm", "--strategy", warm)
        self.run_shop("cold", "--strategy", "default")
        result, cold = self.result("warm"), self.result("cold")
        learning, treated = result["learning"], result["arms"]["treated"]["metrics"]
        self.assertIsNone(cold["learning"])
        self.assert_same_metrics(treated, learning["warm"])
        self.assert_same_metrics(cold["arms"]["treated"]["metrics"], learning["cold"])
        # It foresees what it has seen before.
        self.assertEqual(0, learning["cold"]["recall"]["value"])
        self.assertGreater(learning["warm"]["recall"]["value"], 0)
        self.assertEqual(-learning["warm"]["recall"]["value"],
                         learning["cold_less_warm"]["recall"]["value"])
        self.assertIn("Learned beforehand", told.out)
        for name in ("report.md", "report.html"):
            with open(self.path("warm", name), encoding="utf-8") as f:
                self.assertIn("cold less warm", f.read(), name)
        self.run_shop("db", "--strategy", warm, "--db", self.path("x.db"))
        self.assertIsNone(self.result("db")["learning"])

    def test_the_curve_of_a_campaign_begins_cold_and_has_a_point_a_step(self):
        told = self.train("--curve", self.path("curve"), "--set", "replications=2")
        self.assert_code(0, told)
        with open(self.path("curve", "curve.json"), encoding="utf-8") as f:
            points = json.load(f)["points"]
        self.assertEqual([(0, ""), (1, "shop.json")],
                         [(point["step"], point["learned_from"]) for point in points])
        cold, learned = points
        self.run_shop("cold", "--strategy", "default")
        self.assert_same_metrics(self.result("cold")["arms"]["treated"]["metrics"], cold["metrics"])
        for name in cold["metrics"]:
            self.assertIn(cold["cold_less_this"][name]["value"], (0, None), name)
        self.assertGreater(learned["situations"], 0)
        self.assertGreater(learned["metrics"]["recall"]["value"], 0)
        with open(self.path("curve", "curve.csv"), encoding="utf-8") as f:
            self.assertEqual(1 + 2 * len(cold["metrics"]), len(f.readlines()))
        self.assertIn("nothing (cold)", told.out)
        self.assertTrue(os.path.exists(self.path("curve", "curve.md")))

    def test_what_was_learned_from_is_not_graded_on(self):
        told = self.train("--curve", self.path("curve"), "--seed", "11")
        self.assert_code(2, told)
        self.assertIn("learn from another", told.err)


class Board(chaos.Case):
    def test_scenarios_disagree_and_the_board_says_where(self):
        os.makedirs(self.path("many"))
        for name in ("shop.json", "storm.json"):
            shutil.copy(experiment(name), self.path("many", name))
        told = self.chaos("ab", self.path("many"), "--a", "default", "--b", strategy("unbroken"),
                          "--runs", "8", "--out", self.path("out"), "--no-plots", "--quiet",
                          "--format", "json", "--allow-path", DATA)
        self.assert_code(6, told)
        with open(self.path("out", "comparison.json"), encoding="utf-8") as f:
            board = json.load(f)
        self.assertEqual(2, len(board["scenarios"]))
        overall = board["overall"][0]
        self.assertRegex(overall["verdict"], "worse")
        self.assertIn("failed requests in storm.json", overall["worse"])
        self.assertLess(overall["pooled"]["high"], 0)
        self.assertEqual(2, overall["pooled"]["n"])
        self.assertIn("over all", told.out)

    def test_a_matrix_is_a_row_a_combination(self):
        scenario = chaos.small(configuration={"share": 0.8, "matrix": {"share": [0.4, 0.8]}})
        scenario["method"][0]["probability"] = "${share}"
        told = self.chaos("ab", self.write("m.json", scenario), "--a", "default", "--b", "default",
                          "--runs", "2", "--out", self.path("out"), "--no-plots", "--quiet",
                          "--format", "json")
        self.assert_code(0, told)
        with open(self.path("out", "comparison.json"), encoding="utf-8") as f:
            board = json.load(f)
        self.assertEqual(["share=0.4", "share=0.8"],
                         [one["variables"] for one in board["scenarios"]])
        self.assertEqual("identical", board["overall"][0]["verdict"])


class Targets(chaos.Case):
    """What healing is often promised to do is measured, with an interval, or said to be unknown."""

    def test_targets_pass_or_fail_with_an_interval_in_every_suite(self):
        checks = [{"check": "healing_success_rate >= 85%", "confidence": 0.95},
                  {"check": "healing_success_verified >= 85%", "confidence": 0.95},
                  {"check": "mttr < 5s", "confidence": 0.95}]
        path = experiment("shop.json")
        told = self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet", "--runs", "12",
                          "--set", "thresholds=%s" % json.dumps(checks))
        result = self.result()
        self.assertEqual([c["check"] for c in checks], [t["check"] for t in result["thresholds"]])
        for threshold in result["thresholds"]:
            self.assertIn(threshold["outcome"], ("passed", "failed", "inconclusive"))
            self.assertIsNotNone(threshold["low"], threshold)
            self.assertLessEqual(threshold["low"], threshold["observed"])
            self.assertLessEqual(threshold["observed"], threshold["high"])
        mttr = result["thresholds"][2]
        self.assertEqual("failed", mttr["outcome"])
        self.assertGreater(mttr["low"], 5)
        self.assert_code(1, told)
        with open(self.path("out", "junit.xml"), encoding="utf-8") as f:
            junit = f.read()
        for check in checks:
            self.assertIn(check["check"].replace(">", "&gt;").replace("<", "&lt;"), junit)

    def test_before_and_after_are_measured_on_paired_seeds_with_intervals(self):
        told = self.chaos(os.path.join(chaos.SCENARIOS, "memory-leak.json"), "--out",
                          self.path("out"), "--no-plots", "--quiet", "--runs", "6", within_s=300)
        arms = self.result()["arms"]
        for arm, name in (("untreated", "mttr"), ("treated", "prevention_rate"),
                          ("treated", "manual_ratio"), ("treated", "precision"),
                          ("treated", "averted_harm"), ("untreated", "manual_ratio")):
            metric = arms[arm]["metrics"][name]
            self.assertEqual(metric["value"] is None, metric["n"] == 0, name)
            if metric["n"] > 0:
                self.assertEqual((True, True), (metric["low"] is not None,
                                                metric["high"] is not None), (name, metric))
        # With healing and without, the same replications: what is averted is their difference.
        treated, untreated = (arms[arm]["metrics"]["failed_requests"]["value"]
                              for arm in ("treated", "untreated"))
        self.assertAlmostEqual(untreated - treated, arms["treated"]["metrics"]["averted_harm"]["value"],
                               5)
        self.assertIn("prevention", told.out)
        self.assertIn("without", told.out)

    def test_a_replay_without_time_for_it_is_refused(self):
        told = self.chaos(experiment("shop.json"), "--out", self.path("out"), "--set",
                          'evaluation={"replay_trigger": true}')
        self.assert_code(2, told)
        self.assertIn("evaluation.replay_trigger: no time for it", told.err)
