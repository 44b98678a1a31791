"""report --from/--to: the analytics of a part of the time, by the same definitions."""
import json
import os
import shutil
import subprocess
import tempfile

import chaos

SCENARIO = os.path.join(chaos.SCENARIOS, "latency.json")


class Range(chaos.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stored = tempfile.mkdtemp(prefix="chaos-range-")
        cls.addClassCleanup(shutil.rmtree, cls.stored, True)
        subprocess.run([chaos.program(), SCENARIO, "--runs", "3", "--out",
                        os.path.join(cls.stored, "out"), "--no-plots", "--quiet"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=chaos.environment(), timeout=120)

    def whole(self):
        with open(os.path.join(self.stored, "out", "result.json"), encoding="utf-8") as f:
            return json.load(f)

    def ranged(self, *args, out="part"):
        told = self.chaos("report", os.path.join(self.stored, "out"), *args, "--out",
                          self.path(out), "--no-plots")
        self.assert_code(0, told)
        return self.result(out)["analytics"]

    def assert_close(self, one, other, path=""):
        if isinstance(one, dict):
            self.assertEqual(list(one), list(other), path)
            for key in one:
                self.assert_close(one[key], other[key], path + "." + key)
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other), path)
            for i, (a, b) in enumerate(zip(one, other)):
                self.assert_close(a, b, "%s[%d]" % (path, i))
        elif isinstance(one, float):
            self.assertAlmostEqual(one, other, delta=1e-6 * max(1, abs(one)), msg=path)
        else:
            self.assertEqual(one, other, path)

    def test_all_the_time_gives_what_the_run_gave(self):
        whole, part = self.whole()["analytics"], self.ranged("--from", "0s")
        self.assertEqual({"from": 0.0, "to": 480.0}, part["range"])
        for key in ("overall", "by_strategy", "by_action", "by_failure_type", "by_severity",
                    "by_service", "mttr_over_time", "recommendations", "timeline"):
            self.assert_close(whole[key], part[key], key)
        for key in ("most_common", "per_service_hour", "by_hour_of_day", "per_service", "pairs"):
            self.assert_close(whole["patterns"][key], part["patterns"][key], key)

    def test_every_figure_is_of_the_range_and_its_edges_are_in_it(self):
        incidents = self.whole()["arms"]["treated"]["incidents"]
        edge = min(incident["o"] for incident in incidents if incident["o"] > 200)
        part = self.ranged("--from", "%gs" % edge, "--to", "7m")
        inside = [incident for incident in incidents if edge <= incident["o"] <= 420]
        self.assertLess(len(inside), len(incidents))
        self.assertEqual(len(inside), part["overall"]["failures"])
        self.assertAlmostEqual(sum(i["r"] - i["o"] for i in inside) / len(inside),
                               part["overall"]["mttr"]["value"], places=6)
        self.assertEqual(len(inside), sum(row["count"] for row in part["by_failure_type"]))
        self.assertAlmostEqual((420 - edge) * len(self.whole()["services"]) * 3 / 3600,
                               part["patterns"]["per_service_hour"]["denominator"], places=6)
        self.assertTrue(all(edge <= event["t"] <= 420 for event in part["timeline"]))
        with open(self.path("part", "report.html"), encoding="utf-8") as f:
            self.assertIn("Only of what began between", f.read())

    def test_a_time_in_which_nothing_was_gives_no_advice(self):
        part = self.ranged("--from", "1s", "--to", "5s")
        self.assertEqual(0, part["overall"]["failures"])
        self.assertIsNone(part["overall"]["success_rate"]["value"])
        self.assertEqual([], part["by_strategy"])
        self.assertEqual([], [row for row in part["recommendations"] if row["numbers"]])

    def test_what_makes_no_sense_is_refused_and_the_result_is_left_alone(self):
        at = os.path.join(self.stored, "out")
        for args in (("--from", "soon", "--out", self.path("x")),
                     ("--from", "5m", "--to", "2m", "--out", self.path("x")),
                     ("--from", "1m")):
            self.assert_code(2, self.chaos("report", at, *args))
        self.assertNotIn("range", self.whole()["analytics"])
