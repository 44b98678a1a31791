"""`import`: experiments of other tools become scenarios that are valid and run."""
import json
import os
import unittest

import chaos

DATA = os.path.join(chaos.TESTS, "data", "import")


class Case(chaos.Case):
    def imported(self, name):
        told = self.chaos("import", os.path.join(DATA, name))
        self.assert_code(0, told)
        left = [line for line in told.err.splitlines() if line.startswith("left out: ")]
        scenario = json.loads(told.out)
        self.assertEqual([line[len("left out: "):] for line in left], scenario["x_left_out"])
        path = self.write("scenario.json", told.out)
        self.assert_code(0, self.chaos("validate", path))
        return path, scenario, told.err

    def entries(self, scenario):
        return {entry["name"].rsplit(" ", 1)[0]: entry for entry in scenario["method"]}


class Toxiproxy(Case):
    def test_toxics_become_faults_on_the_calls_to_their_proxy(self):
        _, scenario, left = self.imported("toxiproxy.json")
        entries = self.entries(scenario)
        slow = entries["slow"]
        self.assertEqual(("latency", {"from": "app", "to": "redis"}, 0.5),
                         (slow["fault"], slow["target"], slow["probability"]))
        self.assertEqual({"delay": "400ms", "jitter": "50ms"}, slow["arguments"])
        self.assertEqual("packet_loss", entries["gone"]["fault"])
        self.assertEqual("connection_reset", entries["reset"]["fault"])
        kinds = {row["name"] for row in json.loads(self.chaos("list", "faults", "--json").out)}
        for name, kind, arguments in (("thin", "bandwidth", {"rate": "64000B/s"}),
                                      ("late close", "slow_close", {"delay": "1s"})):
            self.assertEqual(kind in kinds, name in entries)
            if kind in kinds:
                self.assertEqual((kind, arguments), (entries[name]["fault"], entries[name]["arguments"]))
        self.assertEqual({"from": "app", "to": "my-sql-db"}, entries["disabled proxy"]["target"])
        self.assertNotIn("wrong", entries)
        self.assertIn("[0].toxics[1]: a toxic of the type 'slicer'", left)
        self.assertIn("[2].toxics[3]: 'latency' takes no such delay", left)

    def test_it_runs(self):
        path, _, _ = self.imported("toxiproxy.json")
        told = self.chaos(path, "--runs", "2", "--no-plots", "--quiet", "--out", self.path("out"))
        self.assertIn(told.code, (0, 1, 4, 6, 7), told)
        self.assertTrue(any(fault["effective"] for fault in self.result()["faults"]))

    def test_what_the_api_gives_is_read_too(self):
        path = self.write("api.json", {"redis": {"name": "redis", "listen": "x", "upstream": "y",
                                                 "toxics": []}})
        told = self.chaos("import", path)
        self.assert_code(0, told)
        self.assertIn("redis", told.out)


class Toolkit(Case):
    def test_activities_follow_one_another_with_their_pauses(self):
        _, scenario, left = self.imported("toolkit.json")
        entries = self.entries(scenario)
        self.assertEqual("Does the shop bear a slow cache?", scenario["title"])
        self.assertEqual(["cache", "pods"], scenario["tags"])
        self.assertEqual(("60s", "60s"), (entries["slow cache"]["at"], entries["slow cache"]["duration"]))
        self.assertEqual({"delay": "2s", "jitter": "200ms"}, entries["slow cache"]["arguments"])
        self.assertEqual("120s", entries["front still answers"]["at"])
        self.assertEqual("front", entries["front still answers"]["probe"]["service"])
        self.assertEqual(("crash", "150s", {"service": "cart", "instances": 1}),
                         tuple(entries["kill a cart"][key] for key in ("fault", "at", "target")))
        self.assertEqual("60s", entries["bank away"]["duration"])
        self.assertEqual(1, len(scenario["steady_state"]["probes"]))
        for path in ("configuration", "secrets", "rollbacks", "method[5]", "method[6]",
                     "steady-state-hypothesis.probes[1]"):
            self.assertIn("left out: %s: " % path, left)

    def test_it_runs(self):
        path, _, _ = self.imported("toolkit.json")
        told = self.chaos(path, "--runs", "2", "--no-plots", "--quiet", "--out", self.path("out"))
        self.assertIn(told.code, (0, 1, 4, 6, 7), told)
        self.assertTrue(any(fault["effective"] for fault in self.result()["faults"]))


class Bad(Case):
    def test_what_is_neither_is_refused(self):
        for text in ("{}", "[]", "[1]", "\"x\"", "{\"version\": 1}", "null"):
            told = self.chaos("import", self.write("x.json", text))
            self.assert_code(2, told)
            self.assertIn("neither an experiment of Chaos Toolkit", told.err)
            self.assertEqual("", told.out)

    def test_broken_json_is_told_with_its_place(self):
        told = self.chaos("import", self.write("x.json", "{\"method\": [}"))
        self.assert_code(2, told)
        self.assertRegex(told.err, r"x\.json:1:\d+")

    def test_nonsense_inside_is_left_out(self):
        path = self.write("x.json", {"title": 3, "tags": [1], "method": [
            3, {}, {"type": "action"}, {"type": "action", "provider": {"func": "create_toxic"}},
            {"type": "action", "provider": {"func": "create_latency_toxic", "arguments": {
                "for_proxy": "a", "latency": "soon"}}},
            {"type": "action", "provider": {"func": "terminate_pods", "arguments": {"qty": -1}}},
            {"type": "action", "provider": {"func": "delete_toxic"}}, {"type": "probe", "pauses": 7}]})
        told = self.chaos("import", path)
        self.assert_code(0, told)
        self.assertEqual([], json.loads(told.out)["method"])
        self.assertEqual(8, told.err.count("left out: method["))
        self.assert_code(0, self.chaos("validate", self.write("y.json", told.out)))

    def test_a_missing_file_and_too_many(self):
        self.assert_code(2, self.chaos("import", self.path("nowhere.json")))
        self.assert_code(2, self.chaos("import"))


if __name__ == "__main__":
    unittest.main()
