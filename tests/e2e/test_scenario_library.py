"""The scenarios that are shipped: they run, they bite, and they cause what healers know.

One pass over all of them, as their users run them but with one replication, and a
second without a healer on another seed, show everything here; together about 2
minutes of one processor. Whether they bite in 95 % of many seeds is
`./dev bench library` (20 seeds). CHAOS_BITE_SEEDS=N looks at more here too.
"""
import glob
import json
import os
import re
import unittest

import chaos
import shipped

SEEDS = int(os.environ.get("CHAOS_BITE_SEEDS", "1"))
# These run whole, with more replications, in test_scenarios.py.
ELSEWHERE = {"crash", "latency", "memory-leak", "quiet"}
OUTAGES = {"outage-retry-storm-after-cache-restart", "outage-bad-configuration-push",
           "outage-dns-failure-with-herd", "outage-slow-leak-after-deployment",
           "outage-zone-loss-under-peak", "outage-certificate-expiry", "outage-third-party-quota",
           "outage-gray-replica"}
PREDEFINED = {"predefined-latency-spike", "predefined-service-outage",
              "predefined-intermittent-errors", "ladder-latency", "ladder-errors",
              "ladder-partition", "ladder-memory", "ladder-cpu", "ladder-disk",
              "ladder-latency-with-errors", "ladder-cascading-failure", "ladder-rapid-recovery",
              "ladder-extended-failure"}
ERROR_TYPES = """agent_failed agent_down heartbeat_failed task_timeout task_failed execution_error
    resource_exhaustion token_exhaustion quota_exceeded memory_exhaustion quorum_loss memory_leak
    cpu_spike network_timeout database_connection api_failure deployment_failure configuration_error
    dependency_failure high_latency""".split()
HERE = [path for path in shipped.PATHS if shipped.stem(path) not in ELSEWHERE]


def faults_of(entries):
    """The faults of a method, those in groups too."""
    for entry in entries:
        for group in ("parallel", "serial"):
            yield from faults_of(entry.get(group, []))
        if "fault" in entry:
            yield entry


def kinds_of(path):
    return {entry["fault"] for entry in faults_of(shipped.read(path)["method"])}


# Where what the healer sees or does is not what it seems.
MISLED = ("fault-telemetry-lie", "fault-telemetry-drop", "fault-telemetry-noise", "fault-decoy-precursor",
          "fault-actuator-fail", "fault-actuator-slow", "fault-healer-crash", "fault-partition-healer")

class Words(chaos.Case):
    """What stands in the files."""

    def test_all_that_is_promised_is_there(self):
        names = {shipped.stem(path) for path in shipped.PATHS}
        self.assertLessEqual(OUTAGES | PREDEFINED, names)
        used = set().union(*map(kinds_of, shipped.PATHS))
        kinds = {row["name"] for row in json.loads(self.chaos("list", "faults", "--json").out)}
        self.assertEqual(set(), kinds - used, "kinds without a scenario")

    def test_each_says_what_is_expected_of_a_good_healer(self):
        for path in shipped.PATHS:
            with self.subTest(scenario=shipped.stem(path)):
                scenario = shipped.read(path)
                self.assertTrue(scenario["title"] and scenario["tags"])
                self.assertRegex(scenario["description"], r"[Gg]ood healer")
                self.assertTrue(scenario["thresholds"])

    def test_the_predefined_ones_have_the_parameters_that_are_known(self):
        """Latency 2 s on 70 % for 60 s; half a minute without a service; 30 % errors for 60 s;
        and what the ladders climb."""
        def fault(name):
            return next(faults_of(shipped.read(os.path.join(chaos.SCENARIOS, name + ".json"))["method"]))

        def steps(name):
            matrix = shipped.read(os.path.join(chaos.SCENARIOS, name + ".json"))["configuration"]["matrix"]
            return next(iter(matrix.values()))

        spike = fault("predefined-latency-spike")
        self.assertEqual(("latency", "60s", 0.7, "2s"), (spike["fault"], spike["duration"],
                                                         spike["probability"], spike["arguments"]["delay"]))
        outage = fault("predefined-service-outage")
        self.assertEqual(("crash", "30s", False), (outage["fault"], outage["duration"],
                                                   "instances" in outage["target"]))
        errors = fault("predefined-intermittent-errors")
        self.assertEqual(("error", "60s", 0.3), (errors["fault"], errors["duration"],
                                                 errors["arguments"]["rate"]))
        self.assertEqual(["100ms", "500ms", "2s"], steps("ladder-latency"))
        self.assertEqual([0.3, 0.7], steps("ladder-errors"))
        self.assertEqual([0.6, 0.8], steps("ladder-memory"))
        self.assertEqual(("partition", "20s"), (fault("ladder-partition")["fault"],
                                                fault("ladder-partition")["duration"]))
        self.assertEqual("90%", fault("ladder-cpu")["arguments"]["load"])
        self.assertEqual("disk_fill", fault("ladder-disk")["fault"])

    def test_the_readme_lists_each_with_its_title(self):
        with open(os.path.join(chaos.SCENARIOS, "README.md"), encoding="utf-8") as f:
            listed = dict(re.findall(r"^\| `([a-z0-9-]+)\.json` \| (.*?) \|", f.read(), re.M))
        self.assertEqual(sorted(shipped.stem(path) for path in shipped.PATHS), sorted(listed))


class Library(chaos.Case):
    """One pass, in setUpClass: its folder is of all tests."""

    @classmethod
    def setUpClass(cls):
        cls.case = case = cls("test_they_run")
        chaos.Case.setUp(case)
        cls.addClassCleanup(case.doCleanups)
        cls.told = case.chaos(*HERE, "--runs", "1", "--no-plots", "--quiet", "--journal", "none",
                              "--format", "json,csv", "--out", case.path("all"), within_s=1200)
        cls.found = list(shipped.results(case.path("all"), HERE))

    def test_they_run(self):
        """Each does what it was meant to do; whether it is well healed is its healer's."""
        for path, combination, folder in self.found:
            with self.subTest(scenario=shipped.stem(path), combination=combination):
                result = shipped.read(os.path.join(folder, "result.json"))
                self.assertIn(result["outcome"], ("passed", "failed", "regression"))
                self.assertEqual([], [row for row in result["invariants"] if not row["holds"]])
                self.assertEqual([], [f["name"] for f in result["faults"] if not f["effective"]])

    def test_what_is_expected_of_a_good_healer_is_met_by_the_default_or_known_not_to_be(self):
        for path, combination, folder in self.found:
            scenario = shipped.read(path)
            result = shipped.read(os.path.join(folder, "result.json"))
            with self.subTest(scenario=shipped.stem(path), combination=combination):
                missed = [row["check"] for row in result["thresholds"] if row["outcome"] == "failed"]
                if "x_default_falls_short" not in scenario:
                    self.assertEqual([], missed)
                else:
                    self.assertTrue(scenario["x_default_falls_short"])

    def test_healing_never_becomes_the_outage(self):
        """Budgets, one action on a resource at a time, nothing put in force again and again:
        also where telemetry lies, signs mislead, actions fail and the healer dies."""
        acted = 0
        for path, combination, folder in self.found:
            with self.subTest(scenario=shipped.stem(path), combination=combination):
                actions = shipped.read(os.path.join(folder, "result.json"))["arms"]["treated"]["actions"]
                self.assertEqual([], shipped.excesses(actions))
                acted += shipped.stem(path) in MISLED and len(actions) > 0
        self.assertGreaterEqual(acted, 4, "who does nothing overdoes nothing")

    def test_it_takes_less_than_five_minutes_of_two_processors(self):
        """By the processor's time, so that a busy machine fails nothing; tripled in a build
        that is not optimised."""
        spent_s = sum(shipped.read(os.path.join(folder, "run.json"))["cpu_seconds"]
                      for _, _, folder in self.found)
        self.assertLess(spent_s, 2 * 300)

    def test_each_of_them_bites(self):
        out = self.path("bite")
        self.chaos(*HERE, "--strategy", "none", "--seed", "2", "--runs", str(SEEDS), "--no-plots", "--quiet",
                   "--journal", "none", "--format", "csv", "--out", out, within_s=1800 * SEEDS)
        again = {(path, combination): folder for path, combination, folder in shipped.results(out, HERE)}
        for path, combination, folder in self.found:
            with self.subTest(scenario=shipped.stem(path), combination=combination):
                harm = shipped.harm_s(folder) + shipped.harm_s(again[path, combination])
                self.assertEqual(1 + SEEDS, len(harm))
                self.assertIsNone(shipped.judge(path, combination, harm), harm)

    def test_every_error_type_is_caused_for_real(self):
        """By a fault of that type that touches something, and hurts users as that type."""
        kinds = {row["name"]: row["failure_type"]
                 for row in json.loads(self.case.chaos("list", "faults", "--json").out)}
        caused = {}
        for path, combination, folder in self.found:
            touched = {kinds[fault["fault"]] for fault in shipped.read(os.path.join(folder, "result.json"))["faults"]
                       if fault["touched"] > 0}
            for row in shipped.rows(os.path.join(folder, "incidents.csv")):
                if row["arm"] == "untreated" and row["failure_type"] in touched:
                    caused.setdefault(row["failure_type"], set()).add(shipped.stem(path))
        for wanted in ERROR_TYPES:
            with self.subTest(error_type=wanted):
                self.assertTrue(caused.get(wanted), "nothing causes it")


if __name__ == "__main__":
    unittest.main()
