"""The same scenario and seed give the same bytes, whatever is around the program."""
import contextlib
import glob
import json
import os
import re
import subprocess
import threading
import time

import chaos
import digests

FAKETIME = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))


def has_locale(name):
    told = subprocess.run(["locale", "-a"], stdout=subprocess.PIPE, text=True).stdout.split()
    plain = name.lower().replace("utf-8", "utf8")
    return any(have.lower() == plain for have in told)


class WithLocale(chaos.Case):
    def german(self):
        """A locale with a decimal comma, for LC_ALL and, where it had to be made, LOCPATH."""
        if not has_locale("de_DE.UTF-8"):
            self.make_locale()
        return {"LC_ALL": "de_DE.UTF-8", "LOCPATH": os.environ.get("LOCPATH")}

    def make_locale(self):
        """A private copy of de_DE.UTF-8, so that nothing is installed for this test."""
        made = subprocess.run(
            ["localedef", "-i", "de_DE", "-f", "UTF-8", self.path("locale", "de_DE.UTF-8")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if self.mkdir("locale") else None
        if made is None or made.returncode != 0:
            self.skipTest("no de_DE.UTF-8 here and it cannot be made")
        os.environ["LOCPATH"] = self.path("locale")
        self.addCleanup(os.environ.pop, "LOCPATH", None)

    def mkdir(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return True


class Digests(WithLocale):
    """Ten scenarios come to what the tree says they do; all ways: ./dev bench determinism."""

    def look(self, program, jobs, scenarios=None, **env):
        found = digests.taken(program, self.folder, scenarios, ("--jobs", jobs),
                              chaos.environment(**env))
        self.assertEqual([], digests.moved(found),
                         "if results were to change: ./dev digests, and say why in the commit")

    def test_are_those_in_the_tree(self):
        self.look(chaos.program(), "1")

    def test_from_another_compiler_with_eight_threads_and_a_comma(self):
        if len(chaos.PREFIXES) < 2:
            self.skipTest("one build only")
        self.look(chaos.program(chaos.PREFIXES[1]), "8", TZ="Asia/Kolkata", **self.german())

    def test_with_sanitizers_and_in_the_c_locale(self):
        if not chaos.ASAN:
            self.skipTest("no build with ASan")
        self.look(chaos.ASAN, "2", digests.SCENARIOS[:1], LC_ALL="C", TZ="America/St_Johns")


class Determinism(WithLocale):
    def setUp(self):
        super().setUp()
        self.assert_code(0, self.run_small("first", None, "--jobs", "1"))

    def assert_same(self, out, *args, **how):
        told = self.run_small(out, None, *args, **how)
        self.assert_code(0, told)
        self.assert_same_files("first", out)
        return told

    def test_with_any_number_of_threads(self):
        for jobs in ("1", "2", "8"):
            self.assert_same("jobs-" + jobs, "--jobs", jobs)

    def test_twenty_times_over(self):
        for i in range(20):
            self.assert_same("again-%d" % i)

    def test_in_another_time_zone(self):
        self.assert_same("zone", env={"TZ": "Asia/Kolkata"})

    def test_in_the_c_locale(self):
        self.assert_same("c", env={"LC_ALL": "C"})

    def test_in_a_locale_with_a_decimal_comma(self):
        self.assert_same("de", env=self.german())

    def test_from_another_directory(self):
        """By a relative path from elsewhere, and into a folder of another name."""
        self.mkdir("deep/er")
        told = self.chaos("../../small.json", "--out", "here", "--no-plots", "--quiet",
                          cwd=self.path("deep", "er"))
        self.assert_code(0, told)
        self.assert_same_files("first", "deep/er/here")

    def test_from_a_copy_elsewhere(self):
        self.mkdir("other place")
        os.link(self.path("small.json"), self.path("other place", "small.json"))
        told = self.chaos(self.path("other place", "small.json"), "--out", self.path("copy"),
                          "--no-plots", "--quiet")
        self.assert_code(0, told)
        self.assert_same_files("first", "copy")

    def test_when_the_clock_says_2038(self):
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        how = {"wrap": ["timeout", "100", "env", "LD_PRELOAD=" + FAKETIME[0],
                        "FAKETIME=@2038-01-19 03:14:00", "NO_FAKE_STAT=1",
                        "FAKETIME_DONT_FAKE_MONOTONIC=1"]}
        self.assert_same("year-2038", "--jobs", "2", **how)
        with open(self.path("year-2038", "run.json"), encoding="utf-8") as f:
            self.assertIn("2038-", f.read(), "the faked clock did not reach the program")

    def fake(self, out, *, monotonic=False, more=(), **clock):
        """A run under another clock; its result must have the same bytes, and it must end."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        how = ["LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1"]
        how += [] if monotonic else ["FAKETIME_DONT_FAKE_MONOTONIC=1"]
        how += ["%s=%s" % pair for pair in clock.items()]
        return self.assert_same(out, *more, wrap=["timeout", "100", "env", *how])

    def date(self, out):
        with open(self.path(out, "run.json"), encoding="utf-8") as f:
            return json.load(f)["date"]

    def test_when_the_clock_says_1970(self):
        self.fake("year-1970", FAKETIME="@1970-01-01 00:00:05")
        self.assertTrue(self.date("year-1970").startswith("1970-01-01"), self.date("year-1970"))

    def test_when_the_clock_runs_a_hundred_times_too_fast(self):
        """The monotonic one too: what progress and time left go by."""
        self.fake("fast", monotonic=True, FAKETIME="+0 x100")

    def test_progress_and_time_left_are_sane_when_the_clock_runs_a_hundred_times_too_fast(self):
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        began = time.monotonic()
        told = self.chaos("small.json", "--out", "out", "--no-plots", "--jobs", "1", "--runs", "30", "--format", "json",
                          wrap=["timeout", "100", "env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1",
                                "FAKETIME=+0 x100"])
        took = 100 * (time.monotonic() - began)
        self.assert_code(0, told)
        lines = [line for line in told.err.splitlines() if "replications" in line]
        rows = [re.fullmatch(r"chaos-run: .*: (\d+) of 30 replications, (\d+) virtual s/s(?:, (\d+) s left)?", line)
                for line in lines]
        self.assertTrue(rows and all(rows), told.err)
        done = [int(row[1]) for row in rows]
        self.assertEqual(sorted(done), done)
        for row in rows:
            self.assertLessEqual(int(row[1]), 30)
            self.assertEqual(int(row[1]) > 0, row[3] is not None)
            # A first replication may be the slowest by far.
            self.assertLess(int(row[3] or 0), 30 * took)

    @contextlib.contextmanager
    def jumping(self, every_s):
        """A clock that jumps by a year, forth and back, as the run goes on: what to set for it."""
        stamp, stop = self.path("stamp"), threading.Event()

        def put(offset):
            with open(stamp + ".new", "w", encoding="utf-8") as f:
                f.write(offset)
            os.rename(stamp + ".new", stamp)

        def jump():
            i = 0
            while not stop.wait(every_s):
                i += 1
                put(("+1y", "-1y", "+0")[i % 3])

        put("+0")
        jumper = threading.Thread(target=jump)
        jumper.start()
        try:
            yield {"FAKETIME_TIMESTAMP_FILE": stamp, "FAKETIME_NO_CACHE": "1"}
        finally:
            stop.set()
            jumper.join()

    def test_when_the_clock_jumps_back_and_forth(self):
        """Every few milliseconds; the date's alone, and the one that should never do so."""
        with self.jumping(0.005) as clock:
            self.fake("jumps", more=("--db", self.path("jumps.db")), **clock)
            self.fake("leaps", monotonic=True, more=("--db", self.path("leaps.db")), **clock)
        with open(self.path("leaps", "run.json"), encoding="utf-8") as f:
            facts = json.load(f)
        for name in ("wall_seconds", "simulation_seconds", "virtual_seconds_per_second"):
            self.assertGreaterEqual(facts[name], 0)

    def test_progress_and_time_left_are_sane_when_the_clock_leaps(self):
        """A leap counts as a minute at most, so that no year is left, and nothing below zero."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        began = time.monotonic()
        with self.jumping(0.1) as clock:
            told = self.chaos("small.json", "--out", "out", "--no-plots", "--jobs", "1", "--runs", "30", "--format",
                              "json", wrap=["timeout", "100", "env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1",
                                            *map("=".join, clock.items())])
        most = 30 * (time.monotonic() - began) * 10 * 61
        self.assert_code(0, told)
        left = re.findall(r"of 30 replications, \d+ virtual s/s(?:, (\d+) s left)?\n", told.err)
        self.assertTrue(left, told.err)
        self.assertEqual(told.err.count("replications,"), len(left), told.err)
        self.assertLess(max(int(seconds or 0) for seconds in left), min(most, 30e6))

    def with_healer(self, out, script, **clock):
        """A run with a program as its healer, under a clock that is false for all of us."""
        os.chmod(self.write("healer.sh", script), 0o755)
        scenario = self.write("exec.json", chaos.small(replications=1, duration="60s", warmup="10s", method=[]))
        wrap = ["timeout", "100", "env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1",
                *map("=".join, clock.items())] if clock else ()
        return self.chaos(scenario, "--out", self.path(out), "--no-plots", "--quiet", "--jobs", "1", "--format", "json",
                          "--strategy", "exec:" + self.path("healer.sh"), wrap=wrap)

    def test_the_time_a_healer_has_for_its_answer_is_not_the_clocks(self):
        """Leaps kill none that answers; one that does not is not waited for until a clock that stands still moves."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        answers = "#!/bin/sh\nunset LD_PRELOAD\nexec '%s' healer\n" % chaos.program()
        self.assert_code(0, self.with_healer("good", answers))
        with self.jumping(0.005) as clock:
            told = self.with_healer("leaps", answers, **clock)
        self.assert_code(0, told)
        self.assert_same_files("good", "leaps", ["result.json"])
        told = self.with_healer("still", "#!/bin/sh\nunset LD_PRELOAD\nexec sleep 600\n", FAKETIME="2030-01-01 00:00:00")
        self.assert_code(1, told)
        self.assertIn("gave no answer within 5 s", " ".join(told.out.split()))

    def test_with_other_names_and_sizes_in_the_environment(self):
        """Another place of the stack and other variables, which nobody should read."""
        self.assert_same("env", env={"HOME": self.folder, "X" * 100: "y" * 9000, "COLUMNS": "33",
                                     "TERM": "xterm", "NO_COLOR": "1"})

    def test_with_another_layout_of_memory(self):
        self.assert_same("layout", env={"MALLOC_PERTURB_": "165", "MALLOC_ARENA_MAX": "1"})

    def test_on_a_cpu_without_fused_multiply_add(self):
        """libm has variants for newer CPUs whose last bits differ; here it must do without."""
        self.assert_same("old-cpu", env={
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX,-AVX512F,-ERMS"})

    def test_from_another_compiler(self):
        if len(chaos.PREFIXES) < 2:
            self.skipTest("one build only")
        self.assert_same("compiler", prefix=chaos.PREFIXES[1])

    def test_with_sanitizers(self):
        """Another optimisation level, another layout of everything."""
        if not chaos.ASAN:
            self.skipTest("no build with ASan")
        self.assert_same("asan", binary=chaos.ASAN)

    def test_another_seed_gives_another_result(self):
        """Else all the above would hold for a program that ignores its input."""
        self.assert_code(0, self.run_small("seed", None, "--seed", "8"))
        one, other = self.result("first"), self.result("seed")
        self.assertEqual((7, 8), (one["seed"], other["seed"]))
        self.assertNotEqual(one["arms"], other["arms"])

    def test_a_replication_alone_is_the_one_of_the_whole_run(self):
        self.assert_code(0, self.run_small("alone", None, "--replication", "2"))
        self.assertEqual(self.rows("first", "2"), self.rows("alone", "2"))
        self.assertNotEqual(self.rows("first", "1"), self.rows("first", "2"))

    def rows(self, out, run):
        """The lines of a replication in metrics.csv, its number cut off."""
        with open(self.path(out, "metrics.csv"), encoding="utf-8") as f:
            lines = [line.rstrip("\n").split(",", 1) for line in f]
        found = sorted(rest for number, rest in lines if number == run)
        self.assertGreater(len(found), 20)
        return found


class BenignOrder(chaos.Case):
    def test_order_of_keys_in_the_file_does_not_matter(self):
        """The same scenario written in another order of keys: other digest, same truth."""
        self.assert_code(0, self.run_small("first"))
        turned = dict(reversed(list(chaos.SMALL.items())))
        self.assert_code(0, self.run_small("turned", turned))
        one, other = self.result("first"), self.result("turned")
        self.assertEqual(json.dumps(one["arms"], sort_keys=True),
                         json.dumps(other["arms"], sort_keys=True))
