"""The report's figures, counted once more from the raw log by other code than ours.

The log is journal.jsonl of every replication (--journal all) with the lists of
result.json; nothing here reads a metric before it compares.
"""
import collections
import csv
import json
import os
import shutil
import statistics
import subprocess
import tempfile

import chaos

SCENARIO = os.path.join(chaos.SCENARIOS, "latency.json")


class Recount(chaos.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stored = tempfile.mkdtemp(prefix="chaos-recount-")
        cls.addClassCleanup(shutil.rmtree, cls.stored, True)
        subprocess.run([chaos.program(), SCENARIO, "--runs", "3", "--seed", "5", "--journal", "all",
                        "--out", os.path.join(cls.stored, "out"), "--no-plots", "--quiet", "--set",
                        "thresholds=[]"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=chaos.environment(), timeout=120)

    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(self.stored, "out"), self.path("out"))
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            self.journal = [json.loads(line) for line in f]
        with open(self.path("out", "metrics.csv"), encoding="utf-8", newline="") as f:
            self.values = {(row["run"], row["arm"], row["metric"]): row["value"]
                           for row in csv.DictReader(f) if not row["service"]}
        self.all = self.result()
        self.analytics = self.all["analytics"]
        self.treated = self.all["arms"]["treated"]

    def test_s0_27_rates_and_effectiveness_are_those_of_the_episodes(self):
        ladders, actions = collections.defaultdict(list), collections.defaultdict(list)
        healed = []
        taken = collections.defaultdict(list)
        for line in self.journal:
            if line["type"] == "action_started" and line["arm"] == "treated":
                kinds = taken[line["run"], line["episode"]]
                if line["action"] not in kinds:
                    kinds.append(line["action"])
        for episode in self.treated["episodes"]:
            kinds = taken.get((episode["run"], episode["episode"]), [])
            if episode["healed"] is None or not kinds:
                continue
            healed.append(episode["healed"])
            ladders[" > ".join(kinds)].append(episode["healed"])
            for kind in kinds:
                actions[kind].append(episode["healed"] and kind == kinds[-1])
        self.assertGreater(len(healed), 0)
        overall = self.analytics["overall"]
        self.assertEqual((len(healed), sum(healed)), (overall["healings"], overall["successes"]))
        self.assertAlmostEqual(sum(healed) / len(healed), overall["success_rate"]["value"])
        for name, results in (("by_strategy", ladders), ("by_action", actions)):
            rows = {row["name"]: row for row in self.analytics[name]}
            self.assertEqual(set(results), set(rows))
            for kind, outcomes in results.items():
                self.assertEqual((len(outcomes), sum(outcomes)),
                                 (rows[kind]["attempts"], rows[kind]["successes"]), kind)
                self.assertEqual("stable", rows[kind]["trend"], "fewer than ten results")

    def test_s0_27_time_to_restore_is_that_of_the_incidents(self):
        """Without an incident that is open at the end Kaplan and Meier's mean is the mean."""
        times = collections.defaultdict(list)
        for incident in self.treated["incidents"]:
            self.assertIsNotNone(incident["r"])
            times[incident["failure_type"]].append(incident["r"] - incident["o"])
            times[None].append(incident["r"] - incident["o"])
        self.assertAlmostEqual(statistics.mean(times.pop(None)),
                               self.treated["metrics"]["mttr"]["value"], places=6)
        self.assertEqual(sum(map(len, times.values())), self.analytics["overall"]["failures"])
        counts = {row["name"]: row["count"] for row in self.analytics["by_failure_type"]}
        self.assertEqual({kind: len(rows) for kind, rows in times.items()}, counts)
        self.assertEqual(sorted(counts.values(), reverse=True),
                         [row["count"] for row in self.analytics["patterns"]["most_common"]])

    def test_s0_27_recommendations_follow_from_the_numbers_that_they_name(self):
        by_kind = {row["kind"]: row for row in self.analytics["recommendations"]}
        rate = self.analytics["overall"]["success_rate"]["value"]
        self.assertEqual(rate < 0.7 or rate > 0.95, "overall" in by_kind)
        if "overall" in by_kind:
            self.assertAlmostEqual(rate, by_kind["overall"]["numbers"]["healing_success_rate"])
        self.assertEqual(self.treated["metrics"]["mttr"]["value"] > 60, "mttr" in by_kind)
        for row in self.analytics["recommendations"]:
            self.assertTrue(row["numbers"] or "nothing stands out" in row["text"])

    def test_s0_32_breakers_are_what_the_journal_says(self):
        for run in ("0", "1", "2"):
            for arm in ("treated", "quiet"):
                state, since, spent, counts = {}, {}, collections.Counter(), collections.Counter()
                end = max(line["t"] for line in self.journal
                          if (str(line["run"]), line["arm"]) == (run, arm))
                for line in self.journal:
                    if (str(line["run"]), line["arm"]) != (run, arm) or \
                            not line["type"].startswith("breaker_"):
                        continue
                    edge, now = line["edge"], line["type"][len("breaker_"):]
                    before = state.get(edge, "closed")
                    spent[before] += max(line["t"], 0) - max(since.get(edge, 0), 0)
                    if line["t"] >= 0:
                        counts[now] += 1
                        if before == "half_opened":
                            counts["tried"] += 1
                            counts["good"] += now == "closed"
                    state[edge], since[edge] = now, line["t"]
                for edge, before in state.items():
                    spent[before] += end - since[edge]
                told = {key: self.values[run, arm, key] for key in (
                    "breaker_opened", "breaker_open_time", "breaker_half_open_time",
                    "breaker_half_open_success")}
                self.assertEqual(counts["opened"], float(told["breaker_opened"]))
                self.assertAlmostEqual(spent["opened"], float(told["breaker_open_time"]), places=5)
                self.assertAlmostEqual(spent["half_opened"],
                                       float(told["breaker_half_open_time"]), places=5)
                if counts["tried"]:
                    self.assertAlmostEqual(counts["good"] / counts["tried"],
                                           float(told["breaker_half_open_success"]))
                else:
                    self.assertEqual("", told["breaker_half_open_success"])
        self.assertGreater(sum(float(self.values[run, "treated", "breaker_opened"])
                               for run in ("0", "1", "2")), 0)

    def test_s0_28_the_distribution_of_healing_times(self):
        """p50 to p99 are of all incidents; ten beyond them are wanted."""
        times = sorted(incident["r"] - incident["o"] for incident in self.treated["incidents"])
        for key, quantile in (("mttr_median", 0.5), ("mttr_p90", 0.9), ("mttr_p99", 0.99)):
            told = self.analytics["overall"][key]["value"]
            if len(times) < 10 / (1 - quantile):
                if key != "mttr_median":
                    self.assertIsNone(told, key)
                continue
            exact = times[min(len(times) - 1, int(len(times) * quantile))]
            self.assertAlmostEqual(exact, told, delta=0.01 * exact + 1e-9)

    def test_s4_24_csv_prometheus_and_grafana_agree_with_the_json(self):
        self.assert_code(0, self.chaos("report", self.path("out"), "--format", "prom,om,grafana",
                                       "--quiet"))
        names = {}
        with open(self.path("out", "metrics.prom"), encoding="utf-8") as f:
            for line in f:
                if line.startswith("#"):
                    continue
                name, rest = line.split("{", 1)
                labels, value = rest.rsplit("} ", 1)
                if 'arm="treated"' in labels and 'service=""' in labels:
                    names[name] = float(value)
        for metric, suffix in (("mttr", "_seconds"), ("availability", "_ratio"),
                               ("failed_requests", "_requests")):
            self.assertEqual(self.treated["metrics"][metric]["value"],
                             names["chaos_run_%s%s" % (metric, suffix)
                                   if "chaos_run_%s%s" % (metric, suffix) in names
                                   else "chaos_run_" + metric])
        with open(self.path("out", "grafana.json"), encoding="utf-8") as f:
            board = json.load(f)
        for panel in board["panels"]:
            for target in panel["targets"]:
                self.assertIn(target["expr"].split("{")[0], names, panel["title"])
        runs = [float(self.values[run, "treated", "failed_requests"]) for run in ("0", "1", "2")]
        self.assertAlmostEqual(statistics.mean(runs),
                               self.treated["metrics"]["failed_requests"]["value"], places=6)


class Levels(chaos.Case):
    def test_s0_33_times_per_level_sum_to_the_run_and_falls_are_per_minute_of_usage(self):
        """A healer that degrades; level after level counted from the log."""
        strategy = self.write("degrades.json", {"recovery": {"strategies": {
            "high_latency": ["set_degradation"], "dependency_failure": ["set_degradation"]}}})
        self.assert_code(1, self.chaos(  # it makes things worse
            SCENARIO, "--strategy", strategy, "--runs", "1", "--seed", "5", "--journal", "all",
            "--out", self.path("out"), "--no-plots", "--quiet", "--set", "thresholds=[]"))
        services = list(self.result()["arms"]["treated"]["services"])
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            journal = [json.loads(line) for line in f]
        with open(self.path("out", "metrics.csv"), encoding="utf-8", newline="") as f:
            values = {(int(row["run"]), row["arm"], row["metric"]): row["value"]
                      for row in csv.DictReader(f) if not row["service"]}
        degraded = 0
        for run, arm, end in [(line["run"], line["arm"], line["t"]) for line in journal
                              if line["type"] == "run_ended"]:
            if (run, arm, "degradation_time_level0") not in values:
                continue  # an arm without a healer
            times, falls, last = collections.Counter(), 0, 0
            changes = [line for line in journal if (line["run"], line["arm"], line["type"]) == (
                run, arm, "degradation_changed")]
            for service in services:
                since, level = 0, 0
                for line in changes:
                    if line["service"] != service:
                        continue
                    times[level] += max(line["t"], 0) - since
                    falls += line["t"] >= 0 and line["value"] < level
                    since, level = max(line["t"], 0), int(line["value"])
                times[level] += end - since
                last = max(last, level)
            told = [float(values[run, arm, "degradation_time_level%d" % level])
                    for level in range(5)]
            for level in range(5):
                self.assertAlmostEqual(times[level], told[level], places=5)
            self.assertAlmostEqual(len(services) * end, sum(told), places=5)
            usage = sum(told[1:]) / 60
            rate = values[run, arm, "degradation_recovery_rate"]
            if usage > 0:
                self.assertAlmostEqual(falls / usage, float(rate), places=6)
            else:
                self.assertEqual("", rate)
            self.assertEqual(last, float(values[run, arm, "degradation_level_at_end"]))
            degraded += usage > 0
        self.assertGreater(degraded, 0)
