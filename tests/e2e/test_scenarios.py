"""The shipped scenarios keep what they promise."""
import json
import os
import time

import chaos


def shipped():
    return sorted(os.path.join(chaos.SCENARIOS, name) for name in os.listdir(chaos.SCENARIOS)
                  if name.endswith(".json") and not name.endswith(".schema.json"))


class Scenarios(chaos.Case):
    def run_shipped(self, name, *args, within_s=300):
        told = self.chaos(os.path.join(chaos.SCENARIOS, name), "--out", self.path("out"), "--quiet",
                          "--no-plots", *args, within_s=within_s)
        return told, self.result()

    def value(self, result, arm, metric):
        return result["arms"][arm]["metrics"][metric]["value"]

    def planned(self, path):
        """Plays of the first replication; those that wait for a healer may never come."""
        told = self.chaos("plan", path, "--json")
        self.assert_code(0, told)
        plans = json.loads(told.out)
        method = (plans[0] if isinstance(plans, list) else plans)["method"]
        return sum("at" in entry for entry in method)

    def test_every_one_is_valid(self):
        self.assertGreaterEqual(len(shipped()), 5)
        self.assert_code(0, self.chaos("validate", *shipped()))

    def test_every_one_has_at_least_ten_benign_changes_for_each_bad_one(self):
        """Counted by what they declare: rates over the duration against what is planned to be played."""
        hours = {"m": 1 / 60, "h": 1, "d": 24}
        for path in shipped():
            with open(path, encoding="utf-8") as f:
                scenario = json.load(f)
            whole, unit = scenario["duration"][:-1], scenario["duration"][-1]
            benign = 0.0
            for entry in scenario.get("background", []):
                count, per = entry["rate"].split("/")
                benign += float(count) * float(whole) * hours[unit] / {"h": 1, "d": 24, "min": 1 / 60}[per]
            with self.subTest(os.path.basename(path)):
                self.assertGreaterEqual(benign, 10 * self.planned(path))

    def test_latency_shows_real_harm_and_real_healing(self):
        told, result = self.run_shipped("latency.json", "--runs", "6")
        self.assert_code(0, told)
        treated = self.value(result, "treated", "failed_requests")
        untreated = self.value(result, "untreated", "failed_requests")
        self.assertGreater(untreated, 500)
        self.assertLess(treated, 0.7 * untreated)
        services = result["arms"]["untreated"]["services"]
        self.assertGreater(services["frontend"]["metrics"]["failed_requests"]["value"], 0,
                           "the slow payments do not reach other traffic")
        self.assertLess(self.value(result, "calm", "failed_requests"), 0.05 * untreated)

    def test_memory_leak_is_prevented_and_not_only_repaired(self):
        told, result = self.run_shipped("memory-leak.json", "--runs", "4")
        self.assertIn(told.code, (0, 1))
        self.assertGreater(self.value(result, "untreated", "incidents"), 0)
        self.assertGreater(self.value(result, "treated", "prevention_rate"), 0)

    def test_crash_is_healed(self):
        told, result = self.run_shipped("crash.json", "--runs", "4")
        self.assert_code(0, told)
        self.assertLess(self.value(result, "treated", "bad_seconds"),
                        self.value(result, "untreated", "bad_seconds"))

    def test_quiet_has_no_false_action_in_a_day(self):
        told, result = self.run_shipped("quiet.json")
        self.assert_code(0, told)
        self.assertEqual(0, self.value(result, "treated", "false_actions_per_week"))
        self.assertGreaterEqual(result["harness"]["virtual_seconds"], 86400)

    def test_no_healer_means_no_difference(self):
        """`none` is the placebo: treated is untreated to the last request."""
        told, result = self.run_shipped("latency.json", "--runs", "2", "--strategy", "none")
        self.assertEqual(result["arms"]["treated"]["metrics"]["failed_requests"],
                         result["arms"]["untreated"]["metrics"]["failed_requests"])
        self.assertEqual(result["arms"]["quiet"]["metrics"]["failed_requests"],
                         result["arms"]["calm"]["metrics"]["failed_requests"])

    def test_thinking_takes_time_in_the_world(self):
        harm = []
        for think in ("0s", "90s"):
            self.run_shipped("latency.json", "--runs", "2", "--set", "fleet.operations.think=" + think)
            harm.append(self.value(self.result(), "treated", "time_to_restore"))
        self.assertGreater(harm[1], harm[0] + 20)

    def test_verbose_says_how_much_was_done(self):
        self.write("small.json", chaos.SMALL)
        told = self.chaos(self.path("small.json"), "--out", self.path("out"), "--quiet", "--no-plots", "--verbose")
        self.assertRegex(told.err, r"requests, [0-9]+ events")

    def test_each_strategy_gets_a_folder_of_its_own(self):
        self.write("small.json", chaos.SMALL)
        told = self.chaos("small.json", "--strategy", "none", "--strategy", "default", "--out", "both",
                          "--no-plots", "--quiet")
        self.assertIn(told.code, (0, 1))
        found = [f for f in self.files_below(self.path("both")) if f.endswith("result.json")]
        self.assertEqual(2, len(found), found)
        names = {self.result(os.path.join("both", os.path.dirname(f)))["healer"]["name"] for f in found}
        self.assertEqual({"none", "default"}, names)

    def test_the_main_job_takes_seconds(self):
        """20 replications, five arms, plots and report. Ten times the aim: machines differ."""
        began = time.monotonic()
        told = self.chaos(os.path.join(chaos.SCENARIOS, "latency.json"), "--out", self.path("out"),
                          "--quiet", within_s=300)
        self.assert_code(0, told)
        self.assertLess(time.monotonic() - began, 100)
        with open(self.path("out", "run.json"), encoding="utf-8") as f:
            self.assertLess(json.load(f)["peak_memory_bytes"], 200 << 20)
