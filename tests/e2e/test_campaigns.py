"""Campaigns: a directory x strategies x replications, with one broken scenario, killed and resumed."""
import csv
import os
import signal
import subprocess
import time

import chaos

STRATEGIES = ("default", "none", "reactive")


class Campaign(chaos.Case):
    def setUp(self):
        super().setUp()
        for i in range(5):
            self.write("many/s%d.json" % i,
                       chaos.small(title="cell %d" % i, seed=100 + i, duration="4m", warmup="1m"))
        with open(self.path("many", "broken.json"), "w", encoding="utf-8") as f:
            f.write('{"version": 1, "title": ')

    def words(self, out, *args):
        words = [self.path("many"), "--runs", "2", "--out", self.path(out), "--format", "json,junit",
                 "--no-plots", "--quiet"]
        for strategy in STRATEGIES:
            words += ["--strategy", strategy]
        return words + list(args)

    def rows(self, out):
        with open(self.path(out, "campaign.csv"), encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def test_one_broken_scenario_does_not_stop_the_rest_and_each_run_is_a_line(self):
        told = self.chaos(*self.words("out"))
        self.assert_code(2, told)
        rows = self.rows("out")
        self.assertEqual(6 * len(STRATEGIES), len(rows))
        broken = [row for row in rows if row["outcome"] == "invalid"]
        self.assertEqual(list(STRATEGIES), [row["strategy"] for row in broken])
        self.assertEqual({""}, {row["failed_requests"] for row in broken})
        for row in rows:
            if row["outcome"] == "invalid":
                continue
            result = self.result(os.path.join("out", row["scenario"][:-5], row["strategy"]))
            treated = result["arms"]["treated"]["metrics"]["failed_requests"]["value"]
            self.assertEqual((result["outcome"], result["exit_code"]),
                             (row["outcome"], int(row["exit_code"])))
            self.assertAlmostEqual(treated, float(row["failed_requests"]), 3)
            self.assertEqual("2", row["replications"])
        # Many runs are a line each, and their sum.
        self.assertEqual(15, sum("failed requests a run" in line for line in told.out.splitlines()))
        self.assertRegex(told.out, r"\n18 runs: .*3 invalid.*campaign\.csv\n$")

    def test_what_a_kill_left_is_finished_to_the_same_bytes(self):
        self.chaos(*self.words("whole", "--db", self.path("whole.db")))
        words = self.words("killed", "--db", self.path("killed.db"), "--resume")
        command = [os.path.join(chaos.PREFIXES[0], "bin", "chaos-run"), *words]
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=self.path())
        began = time.monotonic()
        third = self.path("killed", "s1", "default", "result.json")
        while not os.path.exists(third) and running.poll() is None and time.monotonic() - began < 60:
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait()
        self.assertFalse(os.path.exists(self.path("killed", "campaign.csv")))
        told = self.chaos(*words)
        self.assert_code(2, told)
        self.assertIn("was run before", told.err)
        for i in range(5):
            for strategy in STRATEGIES:
                self.assert_same_files(os.path.join("whole", "s%d" % i, strategy),
                                       os.path.join("killed", "s%d" % i, strategy),
                                       ["result.json", "junit.xml"])
        self.assert_nothing_half_written(self.path("killed"))
        wanted, had = self.rows("whole"), self.rows("killed")
        for row in wanted + had:
            row["folder"] = ""
        self.assertEqual(wanted, had)

    def test_memory_does_not_grow_with_the_number_of_runs(self):
        peaks = []
        for replications in (1, 8):
            for i in range(replications):
                self.write("size%d/s%d.json" % (replications, i),
                           chaos.small(seed=i + 1, duration="2m", warmup="1m", method=[]))
            words = [os.path.join(chaos.PREFIXES[0], "bin", "chaos-run"),
                     self.path("size%d" % replications), "--runs", "1", "--jobs", "1", "--format",
                     "json", "--no-plots", "--quiet", "--out", self.path("size-out%d" % replications)]
            for strategy in ("default", "none", "reactive", "conservative"):
                words += ["--strategy", strategy]
            running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            _, _, usage = os.wait4(running.pid, 0)
            peaks.append(usage.ru_maxrss)
        self.assertLess(peaks[1], 1.3 * peaks[0] + 2048, peaks)

    def test_no_run_takes_the_place_of_another_of_the_same_command(self):
        for folder in ("here", "there"):
            self.write(folder + "/small.json", chaos.SMALL)
        told = self.chaos("here/small.json", "there/small.json", "--out", "out", "--no-plots", "--quiet", "--format",
                          "json", "--runs", "1", "--seed", "8")
        self.assert_code(2, told)
        self.assertIn("there/small.json: results of this command are in 'out/small' already", told.err)
        self.assertEqual(["passed", "invalid"], [row["outcome"] for row in self.rows("out")])

    def test_combinations_of_a_matrix_are_lines_too(self):
        scenario = chaos.small(configuration={"share": 0.8, "matrix": {"share": [0.4, 0.8]}})
        scenario["method"][0]["probability"] = "${share}"
        told = self.chaos(self.write("m.json", scenario), "--runs", "1", "--out", self.path("out"),
                          "--no-plots", "--quiet", "--format", "json")
        self.assertEqual(["share=0.4", "share=0.8"], [row["variables"] for row in self.rows("out")])
        self.assertIn("2 runs: ", told.out)
