"""Real request counts as load: the folder of traces comes by CHAOS_NAB_DIR.

The files are those of the Numenta Anomaly Benchmark, which is not part of this
project: CSV with `timestamp,value`. Without the folder these tests are skipped.
"""
import csv
import os

import chaos

TRACES = [
    ("data/realTweets/Twitter_volume_AMZN.csv", "5m", 500),  # messages in five minutes, bursty
    ("data/realKnownCause/nyc_taxi.csv", "30m", 10),         # trips in half an hour
]


class RealTraces(chaos.Case):
    def setUp(self):
        super().setUp()
        self.nab = os.environ.get("CHAOS_NAB_DIR", "")
        if not self.nab:
            self.skipTest("CHAOS_NAB_DIR is not set")

    def run_trace(self, name, per, scale, out, *args):
        path = os.path.join(self.nab, name)
        self.assertTrue(os.path.exists(path), path)
        return self.chaos(os.path.join(chaos.SCENARIOS, "latency-trace.json"), "--var", "trace=" + path,
                          "--var", "per=" + per, "--var", "scale=%g" % scale, "--runs", "2",
                          "--out", self.path(out), "--quiet", "--no-plots", *args, within_s=400)

    def test_each_runs_and_the_load_is_that_of_the_file(self):
        for name, per, scale in TRACES:
            with self.subTest(name):
                out = os.path.basename(name)
                told = self.run_trace(name, per, scale, out)
                self.assertIn(told.code, (0, 1, 3), "\n%s" % told)
                result = self.result(out)
                self.assertIn(result["outcome"], ("passed", "failed", "gate_failed"))
                self.assertEqual(scale, float(result["variables"]["scale"]))
                self.assertGreater(result["harness"]["requests"], 1000)

    def test_twice_the_scale_is_twice_the_requests(self):
        name, per, scale = TRACES[0]
        seen = []
        for factor in (0.25, 0.5):
            out = "scale-%g" % factor
            self.run_trace(name, per, scale * factor, out)
            arm = self.result(out)["arms"]["calm"]["metrics"]["availability"]
            seen.append(arm["denominator"])
        self.assertAlmostEqual(2, seen[1] / seen[0], delta=0.1)

    def test_a_broken_line_is_told_with_its_number(self):
        path = os.path.join(self.nab, TRACES[0][0])
        with open(path, encoding="utf-8", newline="") as f:
            rows = list(csv.reader(f))[:300]
        rows[100][1] = "many"
        broken = self.write("broken.csv", "\n".join(",".join(row) for row in rows) + "\n")
        told = self.chaos(os.path.join(chaos.SCENARIOS, "latency-trace.json"), "--var",
                          "trace=" + broken, "--out", self.path("out"), "--quiet")
        self.assert_code(2, told)
        self.assertIn("broken.csv:101:", told.err)
