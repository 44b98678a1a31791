"""Ctrl-C and its relatives: faults lifted, a partial result written and marked."""
import os
import signal
import subprocess
import time

import chaos


class Interruption(chaos.Case):
    def start(self, *args, stderr=subprocess.PIPE):
        """A run that would take very long."""
        path = self.write("long.json", chaos.small(replications=100000))
        return subprocess.Popen(
            [chaos.program(), path, "--out", self.path("out"), "--no-plots", "--jobs", "1", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            env=chaos.environment(), cwd=self.folder, text=True)

    def interrupt(self, number, after_s=1.5):
        process = self.start("--quiet")
        self.addCleanup(process.kill)
        time.sleep(after_s)
        self.assertIsNone(process.poll(), "it ended before it could be interrupted")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return chaos.Told(process.args, process.returncode, out, err)

    def assert_partial(self, told, code):
        self.assert_code(code, told)
        result = self.result()
        self.assertEqual(("interrupted", code), (result["outcome"], result["exit_code"]))
        self.assertLess(result["runs"], 100000)
        self.assertGreater(result["runs"], 0, "nothing of what was done is in the result")
        self.assertIn("interrupted", told.out.lower())
        self.assert_nothing_half_written(self.path("out"))

    def test_sigint_is_130(self):
        self.assert_partial(self.interrupt(signal.SIGINT), 130)

    def test_sigterm_is_143(self):
        self.assert_partial(self.interrupt(signal.SIGTERM), 143)

    def test_a_partial_result_is_what_a_whole_run_of_that_length_gives(self):
        """But for what says that it is partial: no replication is cut or counted half."""
        self.assert_partial(self.interrupt(signal.SIGINT), 130)
        partial = self.result()
        self.assert_code(0, self.run_small("whole", None, "--runs", str(partial["runs"])))
        self.assertEqual(self.result("whole")["arms"], partial["arms"])

    def test_it_answers_at_once(self):
        process = self.start("--quiet")
        self.addCleanup(process.kill)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.communicate(timeout=60)
        self.assertLess(time.monotonic() - began, 5)

    def test_at_any_moment(self):
        """From before anything was read to long after: an exit code of ours and no half file."""
        codes = []
        for after_s in (0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.2, 0.35, 1):
            process = self.start("--quiet")
            time.sleep(after_s)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            with self.subTest("after %g s" % after_s):
                # Before main() has begun, the signal does what it does to any program.
                self.assertIn(process.returncode, (143, -signal.SIGTERM), err)
                codes.append(process.returncode)
                if os.path.exists(self.path("out")):
                    self.assert_nothing_half_written(self.path("out"))
        self.assertEqual(143, codes[-1])

    def test_a_second_signal_ends_it_at_once(self):
        process = self.start("--quiet")
        self.addCleanup(process.kill)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.communicate(timeout=60)
        self.assertEqual(130, process.returncode)
        self.assertLess(time.monotonic() - began, 2)

    def test_a_kill_leaves_no_half_file_under_its_final_name(self):
        process = self.start("--quiet")
        time.sleep(1)
        process.kill()
        process.communicate(timeout=60)
        for name in ("result.json", "report.html", "metrics.csv"):
            self.assertFalse(os.path.exists(self.path("out", name)), name)
        self.assert_code(0, self.run_small("out"))  # and it is not in the way of the next run
        self.assert_nothing_half_written(self.path("out"))

    def test_an_interrupt_stops_a_list_of_scenarios(self):
        for stem in "ab":
            self.write("many/%s.json" % stem, chaos.small(replications=100000))
        process = subprocess.Popen(
            [chaos.program(), self.path("many"), "--out", self.path("out"), "--no-plots", "--quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=chaos.environment())
        self.addCleanup(process.kill)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(130, process.returncode)
        self.assertEqual("interrupted", self.result("out/a")["outcome"])
        self.assertFalse(os.path.exists(self.path("out", "b", "result.json")))
