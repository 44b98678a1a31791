"""HEAL_*: thresholds from the environment, on wish and on the record."""
import json

import chaos

SETTINGS = {  # each with a value that its own trigger notices, the same as a limit, and one that it does not
    "HEAL_LATENCY_THRESH": ("30", 0.03, "60s"),
    "HEAL_ERROR_THRESH": ("1%", 0.01, "0.99"),
    "HEAL_MEMORY_THRESH": ("20", 0.2, "99"),
}


class Environment(chaos.Case):
    memory = "100MiB"

    def run_with(self, *more, out="out", **env):
        self.write("small.json", self.scenario())
        return self.chaos("small.json", "--out", out, "--no-plots", "--quiet", "--format", "json,journal", *more,
                          cwd=self.folder, env=env)

    def scenario(self):
        scenario = chaos.small(replications=1)
        for service in scenario["fleet"]["services"]:
            service["memory"] = {"base": self.memory, "limit": "250MiB"}
        scenario["method"].append({"fault": "error", "target": {"service": "bank"}, "at": "5m", "duration": "40s",
                                   "arguments": {"rate": 0.3}})
        return scenario

    def limits(self, folder, metric):
        """At which alarms of a metric were raised."""
        with open(self.path(folder, "journal.jsonl"), encoding="utf-8") as f:
            entries = [json.loads(line) for line in f]
        return {e["limit"] for e in entries
                if e["type"] == "alarm" and e["arm"] == "treated" and e.get("metric") == metric}

    def result(self, folder="out"):
        with open(self.path(folder, "result.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_each_setting_shifts_its_own_trigger(self):
        metrics = {"HEAL_LATENCY_THRESH": "latency", "HEAL_ERROR_THRESH": "error_rate",
                   "HEAL_MEMORY_THRESH": "memory"}
        for name, (low, limit, high) in SETTINGS.items():
            self.run_with("--env", out="low", **{name: low})
            self.run_with("--env", out="high", **{name: high})
            self.assertIn(limit, self.limits("low", metrics[name]), name)
            self.assertNotIn(limit, self.limits("high", metrics[name]), name)
            self.assertEqual({name: low}, self.result("low")["healer"]["overrides"])
            self.assertNotEqual(self.result("low")["healer"]["digest"], self.result("high")["healer"]["digest"])

    def warnings(self, folder, kind):
        with open(self.path(folder, "journal.jsonl"), encoding="utf-8") as f:
            entries = [json.loads(line) for line in f]
        return [e for e in entries if e["type"] == "warning" and e["arm"] == "treated" and e["kind"] == kind]

    def test_each_of_the_others_shifts_its_own_warning(self):
        self.write("debug.json", {"extends": "default", "log_level": "debug"})
        for name, kind, shifts, not_so in (("HEAL_CPU_THRESH", "cpu", ("0.2", 0.002), ("99", 0.99)),
                                           ("HEAL_DRIFT_THRESH", "drift", ("0.0001", 0.0001), ("0.99", 0.99)),
                                           ("HEAL_SUCCESS_THRESH", "availability", ("0.9999", 0.9999), ("0.6", 0.6))):
            for (value, limit), expected in (shifts, True), (not_so, False):
                told = self.run_with("--env", "--strategy", "debug.json", out="out-" + value, **{name: value})
                self.assertEqual("", told.err)
                found = [w for w in self.warnings("out-" + value, kind) if w["limit"] == limit]
                self.assertEqual(expected, found != [], (name, value))

    def test_the_interval_is_that_of_the_reconciler(self):
        self.memory = "200MiB"  # four fifths of its limit: a score of 85
        self.write("debug.json", {"extends": "default", "log_level": "debug",
                                  "reconciler": {"policy": True, "warn_below": 100}})
        for seconds in 30, 120:
            out = "out-%d" % seconds
            self.run_with("--env", "--strategy", "debug.json", out=out, HEAL_INTERVAL_SECONDS=str(seconds))
            times = sorted({w["t"] for w in self.warnings(out, "policy")})
            self.assertGreaterEqual(len(times), 2)
            for a, b in zip(times, times[1:]):  # to the next tick
                self.assertAlmostEqual(seconds, b - a, delta=5.1)

    def test_without_the_option_the_environment_counts_for_nothing(self):
        self.run_with(out="plain")
        self.run_with(out="set", HEAL_LATENCY_THRESH="30")
        self.assertEqual(self.result("plain"), self.result("set"))

    def test_what_is_wrong_is_named_and_nothing_runs(self):
        for name, value in (("HEAL_LATENCY_THRESH", "soon"), ("HEAL_MEMORY_THRESH", "101"),
                            ("HEAL_SUCCESS_THRESH", "-1"), ("HEAL_INTERVAL_SECONDS", "0")):
            told = self.run_with("--env", **{name: value})
            self.assert_code(2, told)
            self.assertIn("%s: '%s' is not" % (name, value), told.err)

    def test_a_comparison_refuses_it(self):
        self.write("small.json", self.scenario())
        told = self.chaos("ab", "small.json", "--a", "none", "--b", "default", "--env", cwd=self.folder)
        self.assert_code(2, told)

    def test_another_healer_has_no_such_thresholds(self):
        told = self.run_with("--env", "--strategy", "exec:true", HEAL_LATENCY_THRESH="30")
        self.assert_code(2, told)
        self.assertIn("for libhealer", told.err)

    def test_help_lists_them(self):
        told = self.chaos("--help")
        for name in [*SETTINGS, "HEAL_CPU_THRESH", "HEAL_DRIFT_THRESH", "HEAL_SUCCESS_THRESH", "HEAL_INTERVAL_SECONDS"]:
            self.assertIn(name, told.out)


if __name__ == "__main__":
    import unittest
    unittest.main()
