"""The counting of tests: a failure is never lost, whatever way it came."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def tally(kind, text):
    with tempfile.NamedTemporaryFile("w", suffix=".log") as f:
        f.write(text)
        f.flush()
        told = subprocess.run([sys.executable, os.path.join(TESTS, "tally.py"), kind, f.name],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    return tuple(map(int, told.stdout.split())), told.stderr


def program(**facts):
    whole = {"name": "breaker", "result": "OK", "returncode": 0, "stdout": "", "stderr": ""}
    whole.update(facts)
    return json.dumps(whole) + "\n"


class Tap(unittest.TestCase):
    def test_passed_failed_and_skipped_are_told_apart(self):
        text = "ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no gnuplot\n1..3\n"
        self.assertEqual((1, 1, 1), tally("tap", text)[0])

    def test_a_run_that_ended_early_is_a_failure(self):
        self.assertEqual((1, 1, 0), tally("tap", "1..3\nok 1 - a\n")[0])
        self.assertEqual((1, 1, 0), tally("tap", "ok 1 - a\n")[0])
        self.assertEqual((0, 1, 0), tally("tap", "")[0])

    def test_what_a_failing_test_said_is_shown(self):
        told = tally("tap", "# 3 is not 4\nnot ok 1 - b\nok 2 - fine\n1..2\n")[1]
        self.assertIn("3 is not 4", told)
        self.assertNotIn("fine", told)


class Meson(unittest.TestCase):
    def test_cases_are_counted_one_by_one_over_programs(self):
        text = program(stdout="1..2\nok 1 - a\nok 2 - b\n") + program(stdout="1..1\nok 1 - c\n")
        self.assertEqual((3, 0, 0), tally("meson", text)[0])

    def test_a_failed_case_counts_once_and_is_shown(self):
        text = program(result="FAIL", returncode=1, stdout="1..2\nok 1 - a\nnot ok 2 - b: 1 != 2\n")
        counts, told = tally("meson", text)
        self.assertEqual((1, 1, 0), counts)
        self.assertIn("1 != 2", told)

    def test_a_crash_after_good_cases_is_a_failure(self):
        text = program(result="ERROR", returncode=-11, stdout="1..3\nok 1 - a\n", stderr="SEGV here")
        counts, told = tally("meson", text)
        self.assertEqual((1, 1, 0), counts)
        self.assertIn("SEGV here", told)

    def test_a_time_out_without_a_word_is_a_failure(self):
        self.assertEqual((0, 1, 0), tally("meson", program(result="TIMEOUT", returncode=-15))[0])

    def test_a_program_without_tap_counts_as_one(self):
        self.assertEqual((1, 0, 0), tally("meson", program(stdout="all fine\n"))[0])
        self.assertEqual((0, 0, 1), tally("meson", program(result="SKIP", returncode=77))[0])

    def test_a_sanitizer_that_ends_a_program_with_good_cases_is_a_failure(self):
        text = program(result="FAIL", returncode=1, stdout="1..1\nok 1 - a\n", stderr="leaked 8 bytes")
        self.assertEqual((1, 1, 0), tally("meson", text)[0])


if __name__ == "__main__":
    unittest.main()
