"""Many threads, under the thread sanitizer: no race, and the same bytes."""
import os
import subprocess

import chaos


class Threads(chaos.Case):
    def test_a_run_has_no_race(self):
        if not chaos.TSAN:
            self.skipTest("no build with TSan")
        self.assert_code(0, self.run_small("plain", None, "--runs", "6"))
        told = self.run_small("tsan", None, "--runs", "6", "--jobs", "4", binary=chaos.TSAN,
                              wrap=self.prefix(), within_s=400)
        self.assertNotIn("ThreadSanitizer", told.err)
        self.assert_code(0, told)
        self.assert_same_files("plain", "tsan")

    def prefix(self):
        """gcc 12's TSan does not start with too much address space randomised."""
        prefix = ["setarch", os.uname().machine, "-R"]
        allowed = subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode == 0
        return prefix if allowed else []

    def test_more_threads_than_replications(self):
        self.assert_code(0, self.run_small("one", None, "--runs", "1", "--jobs", "16"))
        self.assert_code(0, self.run_small("other", None, "--runs", "1", "--jobs", "1"))
        self.assert_same_files("one", "other")
