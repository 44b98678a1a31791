"""One file configures everything: scenarios/CONFIGURATION.md as it stands, and what is then in force."""
import json
import os
import unittest

import chaos

PAGE = os.path.join(chaos.SCENARIOS, "CONFIGURATION.md")
PARTS = ["detection", "health", "recovery", "degradation", "prediction", "learning", "escalation", "reconciler",
         "circuit_breaker", "retry", "timeout", "bulkhead", "fallback", "store"]
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def documented():
    with open(PAGE, encoding="utf-8") as f:
        return f.read().split("```json\n")[1].split("```")[0]


def number(value):
    """A share or a duration as a number, as both may be written in several ways."""
    if not isinstance(value, str):
        return value
    if value.endswith("%"):
        return float(value[:-1]) / 100
    for unit, seconds in SECONDS.items():
        if value[:-len(unit)].isdigit() and value.endswith(unit):
            return float(value[:-len(unit)]) * seconds
    return value


class Configuration(chaos.Case):
    def setUp(self):
        super().setUp()
        self.file = self.write("complete.json", documented())

    def effective(self, *more):
        told = self.chaos("plan", self.file, "--json", *more)
        self.assert_code(0, told)
        return json.loads(told.out)["effective"]

    def assert_holds(self, said, echoed, path=""):
        """Every field of `said` is in `echoed`, with its value."""
        if isinstance(said, dict):
            for key, value in said.items():
                self.assertIn(key, echoed, path)
                self.assert_holds(value, echoed[key], "%s.%s" % (path, key))
        elif isinstance(said, list):
            self.assertEqual(len(said), len(echoed), path)
            for one, other in zip(said, echoed):
                self.assert_holds(one, other, path)
        elif isinstance(number(said), float):
            self.assertAlmostEqual(number(said), number(echoed), 9, path)
        elif not path.endswith("store.path"):  # is resolved
            self.assertEqual(said, echoed, path)

    def test_s3_37_the_documented_file_is_complete_and_loads_as_it_stands(self):
        said = json.loads(documented())
        for part in PARTS:
            self.assertIn(part, said["healer"])
        self.assertTrue(said["method"] and said["safety"])
        told = self.chaos("validate", self.file)
        self.assert_code(0, told)
        self.assertEqual("", told.err)
        told = self.chaos(self.file, "--out", self.path("out"), "--no-plots", "--quiet")
        self.assert_code(0, told)
        self.assertTrue(os.path.exists(self.path("healer.db")))

    def test_s3_37_every_field_is_echoed_with_its_effective_value(self):
        said = json.loads(documented())
        echo = self.effective()
        healer = dict(said["healer"])
        del healer["extends"]
        self.assert_holds(healer, echo["healer"])
        self.assert_holds(dict(said["safety"], profile="development"), echo["safety"])
        # what nobody said has its default, or the preset's
        self.assertEqual("15s", echo["healer"]["detection"]["heartbeat_timeout"])
        self.assertEqual("5s", echo["healer"]["store"]["flush_interval"])
        self.assertEqual("time_rate", echo["healer"]["circuit_breaker"]["default"]["mode"])
        self.assertEqual("4s", echo["healer"]["circuit_breaker"]["default"]["open_for"])
        # and what the command line says is in force
        self.assertEqual("7s", self.effective("--set", "healer.detection.dwell=7s")["healer"]["detection"]["dwell"])
        self.assertEqual(1, self.effective("--set", "safety.max_targets=1")["safety"]["max_targets"])

    def test_s3_37_the_echo_is_a_strategy_with_the_same_effect(self):
        echo = self.effective()["healer"]
        again = self.write("again.json", dict(echo, store=dict(echo["store"], path="healer.db")))
        self.assertEqual(echo, self.effective("--strategy", again)["healer"])

    def test_s3_37_in_production_chaos_is_off_and_the_healer_is_the_same(self):
        production = ["--var", "profile=production"]
        here, there = self.effective(), self.effective(*production)
        self.assertEqual((True, False), (here["safety"]["chaos"], there["safety"]["chaos"]))
        self.assertEqual(here["healer"], there["healer"])
        for command in ([self.file, "--out", self.path("out")],
                        [self.file, "--out", self.path("out"), "--approve"],
                        ["ab", self.file, "--approve", "--a", "none", "--b", "default", "--runs", "2",
                         "--out", self.path("out")],
                        ["train", self.file, "--approve", "--out", self.path("state.json")]):
            with self.subTest(command=command):
                told = self.chaos(*command, *production)
                self.assert_code(2, told)
                self.assertIn("safety.profile: chaos is off in production", told.err)
                self.assertEqual(["complete.json"], os.listdir(self.folder))
        self.assert_code(0, self.chaos("validate", self.file, *production))

    def test_training_needs_the_approval_that_a_scenario_asks_for(self):
        ask = ["train", self.file, "--set", "safety.require_approval=true", "--runs", "1"]
        self.assert_code(2, self.chaos(*ask, "--out", self.path("state.json")))
        self.assertEqual(["complete.json"], os.listdir(self.folder))


if __name__ == "__main__":
    unittest.main()
