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

    def assert_runs(self, path, fault_count):
        """A verdict on the healer, which is not what is tested here, and no fault in vain."""
        told = self.chaos(path, "--runs", "2", "--no-plots", "--quiet", "--out", self.path("out"))
        self.assertIn(told.code, (0, 1, 6), told)
        faults = self.result()["faults"]
        self.assertEqual(fault_count, len(faults))
        for fault in faults:
            self.assertTrue(fault["effective"] and fault["touched"] > 0, fault)

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
        self.assertEqual(("bandwidth", {"rate": "64000B/s"}),
                         (entries["thin"]["fault"], entries["thin"]["arguments"]))
        self.assertEqual(("slow_close", {"delay": "1s"}),
                         (entries["late close"]["fault"], entries["late close"]["arguments"]))
        self.assertEqual({"from": "app", "to": "my-sql-db"}, entries["disabled proxy"]["target"])
        self.assertNotIn("wrong", entries)
        self.assertIn("[0].toxics[1]: a toxic of the type 'slicer'", left)
        self.assertIn("[2].toxics[3]: 'latency' takes no such delay", left)

    def test_what_stands_behind_a_toxic_that_takes_all_is_left_out(self):
        """A reset of every connection to `closed`, and its other toxics would do nothing there either."""
        _, scenario, left = self.imported("toxiproxy.json")
        on = [entry["name"] for entry in scenario["method"] if entry["target"]["to"] == "closed"]
        self.assertEqual(1, len(on), on)
        for toxic in range(3):
            self.assertEqual(toxic != 1, "[4].toxics[%d]: 'reset " % toxic in left, left)
        self.assertIn("takes every call to 'closed' in that time, so it would meet none", left)
        self.assertEqual({"fault", "target", "at", "probability", "arguments", "name", "duration"},
                         set().union(*scenario["method"]))

    def test_it_runs_and_every_fault_meets_requests(self):
        self.assert_runs(self.imported("toxiproxy.json")[0], 7)

    def test_nought_has_no_minus(self):
        path = self.write("minus.json", '[{"name": "redis", "listen": "x", "upstream": "y", "toxics": [{"type": "latency", '
                          '"name": "slow", "attributes": {"latency": 50, "jitter": -0.0}}]}]')
        told = self.chaos("import", path)
        self.assert_code(0, told)
        self.assertNotIn('"-0', told.out)
        self.assert_code(0, self.chaos("validate", self.write("scenario.json", told.out)))

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

    def test_what_is_cut_off_all_the_time_is_left_out_and_what_is_for_a_part_of_it_is_not(self):
        def toxic(func, pause=0, **arguments):
            return {"type": "action", "name": func, "provider": {"func": func, "arguments": arguments},
                    "pauses": {"after": pause}}

        def method(*first):
            return {"title": "x", "method": [
                *first, toxic("disable_proxy", 0, proxy_name="bank"),
                toxic("create_latency_toxic", 30, for_proxy="bank", toxic_name="l", latency=50),
                toxic("create_latency_toxic", 0, for_proxy="mail", toxic_name="m", latency=50),
                toxic("delete_toxic", 0, toxic_name="l"), toxic("enable_proxy", 0, proxy_name="bank")]}

        whole = self.chaos("import", self.write("whole.json", method()))
        self.assertEqual(["bank", "mail"],
                         [entry["target"]["to"] for entry in json.loads(whole.out)["method"]])
        self.assertIn("left out: method[1]: 'disable_proxy 1' takes every call to 'bank'", whole.err)
        part = self.chaos("import", self.write("part.json", method(
            toxic("create_slow_connection_close_toxic", 5, for_proxy="bank", toxic_name="s", delay=9))))
        self.assertEqual(["slow_close", "connection_reset", "latency"],
                         [entry["fault"] for entry in json.loads(part.out)["method"]])

    def test_it_runs_and_every_fault_meets_requests(self):
        self.assert_runs(self.imported("toolkit.json")[0], 3)


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
