"""Worlds that nobody chose, drawn from the whole language: a few of those of bench/soak.py.

`./dev bench soak` runs them for an hour. Here it is a fixed seed, so that a failure is there
again the next time, and under ASan and UBSan where there is such a build.
"""
import glob
import os
import subprocess
import sys

import chaos

SOAK = os.path.join(chaos.TESTS, "bench", "soak.py")


class Worlds(chaos.Case):
    def soaked(self, program, worlds, seed):
        return subprocess.run([sys.executable, SOAK, program, "5", str(seed), str(worlds)], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def test_random_worlds_break_nothing(self):
        told = self.soaked(chaos.ASAN or chaos.program(), 20, 7)
        self.assertEqual(0, told.returncode, (told.stdout + told.stderr)[:2000])
        self.assertRegex(told.stdout, r"^20 worlds .* 0 findings")
        self.assertEqual([], glob.glob(os.path.join(self.folder, "soak-*.json")))
        used, keys = (int(word) for word in told.stdout.partition("keys used ")[2].split()[0:3:2])
        self.assertGreater(used, keys / 4)

    def test_worlds_that_hung_end(self):
        with open(os.path.join(chaos.TESTS, "data", "worlds", "slowed-beyond-time.json"), encoding="utf-8") as f:
            told = self.chaos(self.write("world.json", f.read()), "--quiet", "--no-plots", "--out", self.path("out"), within_s=60)
        self.assertIn(told.code, (0, 1, 3, 4, 6), told)

    def test_what_breaks_is_found_and_made_small(self):
        """A program that ends badly where a service calls another."""
        wrong = self.path("wrong")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nfor a; do case "$a" in *alone.json) grep -q \'"calls": \' "$a" && '
                    '{ echo "chaos-run: broken" >&2; exit 70; };; */batch) grep -rq \'"calls": \' "$a" && '
                    'exit 70;; esac; done\nexec %s "$@"\n' % chaos.program())
        os.chmod(wrong, 0o755)
        told = self.soaked(wrong, 5, 7)
        self.assertEqual(1, told.returncode, (told.stdout + told.stderr)[:2000])
        found = sorted(glob.glob(os.path.join(self.folder, "soak-7-*.json")))
        self.assertTrue(found)
        with open(found[0], encoding="utf-8") as f:
            text = f.read()
        self.assertIn('"calls": ', text)
        self.assertLess(len(text.splitlines()), 40, text)
