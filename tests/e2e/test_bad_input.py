"""A bad scenario is told where and why, exits with 2, and nothing is run or written."""
import json
import os

import chaos

# What it is, the bytes of the file, what the message must contain.
FILES = [
    ("empty", b"", "bad.json:1:1: "),
    ("blank", b"  \n\n ", "bad.json:"),
    ("no JSON at all", b"hello", "bad.json:1:1: "),
    ("truncated", None, "bad.json:"),
    ("binary", bytes(range(256)) * 8, "bad.json:"),
    ("NUL in the middle", b'{"version": 1,\n "title\x00": 2}', "bad.json:2:"),
    ("not UTF-8", b'{"version": 1,\n "title": "\xff\xfe"}', "bad.json:2:"),
    ("overlong UTF-8", b'{"title": "\xc0\xaf"}', "bad.json:1:"),
    ("lone surrogate", b'{"title": "\\ud800"}', "bad.json:1:"),
    ("an array", b"[]", "bad.json:1:1: "),
    ("a number", b"42", "bad.json:1:1: "),
    ("null", b"null", "bad.json:1:1: "),
    ("trailing comma", b'{"version": 1,}', "bad.json:1:15: "),
    ("two documents", b"{} {}", "bad.json:1:4: "),
    ("comment", b'{"version": 1 /* one */}', "bad.json:1:15: "),
    ("single quotes", b"{'version': 1}", "bad.json:1:2: "),
    ("NaN", b'{"version": NaN}', "bad.json:1:13: "),
    ("huge number", b'{"version": 1e999}', "bad.json:1:13: "),
    ("leading zero", b'{"version": 01}', "bad.json:1:"),
    ("too deep", b'{"x_a":' * 100 + b"1" + b"}" * 100, "bad.json:1:"),
    ("very deep", b"[" * 1000000, "bad.json:1:"),
    ("nothing in it", b"{}", "bad.json:1:1: "),
]

# A change to the small world: path, value, what the message must contain.
VALUES = [
    (["version"], 2, ["version"]),
    (["version"], "1", ["version"]),
    (["titel"], "x", ["titel", "nearest: 'title'"]),
    (["duration"], 60, ["duration", "unit"]),
    (["duration"], "60", ["duration"]),
    (["duration"], "-5m", ["duration"]),
    (["duration"], "5 parsecs", ["duration"]),
    (["duration"], "99999999999999999999h", ["duration"]),
    (["duration"], "0s", ["duration"]),
    (["duration"], None, ["duration"]),
    (["replications"], 0, ["replications"]),
    (["replications"], -3, ["replications"]),
    (["replications"], 2.5, ["replications"]),
    (["seed"], -1, ["seed"]),
    (["seed"], "18446744073709551616", ["seed"]),
    (["method"], {}, ["method"]),
    (["method", 0, "fault"], "latencey", ["method[0].fault", "nearest: 'latency'"]),
    (["method", 0, "target", "to"], "bnak", ["method[0].target.to", "nearest: 'bank'"]),
    (["method", 0, "probability"], 1.5, ["method[0].probability"]),
    (["method", 0, "probability"], "150%", ["method[0].probability"]),
    (["method", 0, "arguments", "delay"], 800, ["method[0].arguments.delay", "unit"]),
    (["method", 0, "arguments", "dealy"], "1s", ["method[0].arguments.dealy", "nearest: 'delay'"]),
    (["method", 0, "arguments"], {}, ["method[0].arguments", "delay"]),
    (["method", 1, "target", "service"], "", ["method[1].target.service"]),
    (["method", 1, "target"], {}, ["method[1].target"]),
    (["method", 1, "name"], "slow bank", ["slow bank"]),
    (["fleet", "services"], [], ["fleet.services"]),
    (["fleet", "services", 0, "instances"], 0, ["fleet.services[0].instances"]),
    (["fleet", "services", 0, "concurrency"], 1e12, ["fleet.services[0].concurrency"]),
    (["fleet", "services", 0, "calls", 0, "to"], "bakn", ["calls[0].to", "nearest: 'bank'"]),
    (["fleet", "services", 1, "name"], "shop", ["fleet.services[1].name"]),
    (["fleet", "services", 0, "service_time"], {"dist": "normal"}, ["service_time"]),
    (["fleet", "services", 0, "service_time"], {"dist": "gaus", "mean": "1s"}, ["service_time"]),
    (["fleet"], "no-such-fleet.json", ["fleet", "no-such-fleet.json"]),
    (["fleet"], "../../etc/passwd", ["fleet"]),
    (["fleet"], "/etc/passwd", ["fleet"]),
    (["load"], [], ["load"]),
    (["load", 0, "to"], "shopp", ["load[0].to", "nearest: 'shop'"]),
    (["load", 0, "rate"], 20, ["load[0].rate", "unit"]),
    (["load", 0, "rate"], "20/fortnight", ["load[0].rate"]),
    (["healer"], "defualt", ["healer", "nearest: 'default'"]),
    (["thresholds", 0], "availabilty >= 10%", ["thresholds[0]", "nearest: 'availability'"]),
    (["thresholds", 0], "availability", ["thresholds[0]"]),
    (["thresholds", 0], "availability{service=shp} >= 10%", ["thresholds[0]"]),
    (["thresholds", 0], "mttr < 60", ["thresholds[0]"]),
]


def changed(path, value):
    scenario = chaos.small()
    at = scenario
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return scenario


class BadInput(chaos.Case):
    def programs(self):
        yield chaos.program()
        if chaos.ASAN:
            yield chaos.ASAN

    def assert_refused(self, path, *wanted, within_s=60):
        for binary in self.programs():
            told = self.chaos(path, "--out", self.path("out"), "--quiet", binary=binary,
                              within_s=within_s)
            self.assert_code(2, told)
            for words in wanted:
                self.assertIn(words, told.err, "\n%s" % told)
            self.assertNotIn("Sanitizer", told.err)
            self.assertFalse(os.path.exists(self.path("out")), "something was written")
            self.assertEqual("", told.out)
            for line in told.err.rstrip("\n").split("\n"):
                self.assertLess(len(line), 600, "a line without end")
                self.assertFalse(any(ord(c) < 32 and c != "\t" for c in line), repr(line))

    def test_files_that_are_no_scenario(self):
        for name, content, wanted in FILES:
            if content is None:
                content = json.dumps(chaos.SMALL, indent=1).encode()[:700]
            with self.subTest(name):
                self.assert_refused(self.write("bad.json", content), wanted)

    def test_values_that_make_no_sense(self):
        for path, value, wanted in VALUES:
            with self.subTest("%s = %r" % (".".join(map(str, path)), value)):
                self.assert_refused(self.write("bad.json", changed(path, value)), *wanted)

    def test_a_message_points_at_the_place(self):
        text = json.dumps(changed(["method", 0, "fault"], "latencey"), indent=2)
        line = next(i for i, row in enumerate(text.split("\n"), 1) if "latencey" in row)
        column = text.split("\n")[line - 1].index('"latencey"') + 1
        self.assert_refused(self.write("bad.json", text),
                            "bad.json:%d:%d: method[0].fault: " % (line, column))

    def test_all_errors_of_a_file_come_at_once(self):
        scenario = changed(["method", 0, "fault"], "latencey")
        scenario["titel"] = "x"
        scenario["load"][0]["rate"] = 20
        self.assert_refused(self.write("bad.json", scenario), "latencey", "titel", "load[0].rate")

    def test_duplicate_keys(self):
        text = json.dumps(chaos.SMALL).replace('"seed": 7', '"seed": 7, "seed": 8')
        self.assert_refused(self.write("bad.json", text), "bad.json:1:", "seed")

    def test_a_file_that_is_not_there(self):
        self.assert_refused(self.path("nowhere.json"), "nowhere.json", "No such file")

    def test_a_name_that_is_no_file(self):
        os.mkfifo(self.path("pipe.json"))
        for path in (self.path("pipe.json"), "/dev/zero", "/dev/stdin"):
            with self.subTest(path):
                self.assert_refused(path, path, within_s=10)

    def test_a_directory_without_scenarios(self):
        os.mkdir(self.path("empty"))
        self.assert_refused(self.path("empty"), "empty")

    def test_a_huge_file(self):
        path = self.path("huge.json")
        with open(path, "wb") as f:
            f.write(b'{"version": 1, "x_pad": "')
            f.truncate((64 << 20) + 1)
        self.assert_refused(path, "huge.json", "64 MiB")

    def test_a_long_file_of_spaces_below_the_limit(self):
        self.assert_refused(self.write("bad.json", b" " * (8 << 20)), "bad.json:1:")

    def test_a_name_with_escapes_does_not_reach_the_terminal(self):
        self.assert_refused(
            self.write("bad.json", changed(["method", 0, "fault"], "\x1b[31mred\x07\u202e")),
            "method[0].fault")

    def test_a_file_name_with_escapes_does_not_reach_the_terminal(self):
        self.assert_refused(self.write("bad\x1b[31m.json", b"{}"))

    def test_validate_says_the_same_and_runs_nothing(self):
        path = self.write("bad.json", changed(["method", 0, "fault"], "latencey"))
        ran = self.chaos(path, "--out", self.path("out"))
        validated = self.chaos("validate", path)
        self.assert_code(2, validated)
        self.assertEqual(ran.err, validated.err)
        self.assertEqual(["bad.json"], self.files_below(self.folder))

    def test_validate_accepts_what_is_good(self):
        told = self.chaos("validate", self.write("good.json", chaos.SMALL))
        self.assert_code(0, told)
        self.assertEqual(["good.json"], self.files_below(self.folder))

    def test_validate_looks_at_every_file(self):
        bad = self.write("bad.json", b"{}")
        good = self.write("good.json", chaos.SMALL)
        worse = self.write("worse.json", b"[]")
        told = self.chaos("validate", bad, good, worse)
        self.assert_code(2, told)
        self.assertIn("bad.json:1:1", told.err)
        self.assertIn("worse.json:1:1", told.err)
        self.assertNotIn("good.json:", told.err)


class BadWords(chaos.Case):
    """The command line itself."""

    def assert_refused(self, *args, wanted=()):
        told = self.chaos(*args)
        self.assert_code(2, told)
        self.assertEqual("", told.out)
        self.assertTrue(told.err.strip())
        self.assertLess(told.err.count("\n"), 8, "\n%s" % told)
        for words in wanted:
            self.assertIn(words, told.err)
        self.assertEqual([], [f for f in self.files_below(self.folder) if f != "small.json"])

    def test_options(self):
        small = self.write("small.json", chaos.SMALL)
        for args, wanted in [
            ([], []),
            (["--frobnicate"], ["--frobnicate"]),
            ([small, "--rusn", "3"], ["--rusn", "nearest: '--runs'"]),
            ([small, "--runs"], ["--runs"]),
            ([small, "--runs", "0"], ["--runs"]),
            ([small, "--runs", "many"], ["--runs", "many"]),
            ([small, "--runs", "-1"], ["--runs"]),
            ([small, "--runs", "3x"], ["--runs"]),
            ([small, "--jobs", "0"], ["--jobs"]),
            ([small, "--jobs", "99999999999999999999"], ["--jobs"]),
            ([small, "--seed", "-1"], ["--seed"]),
            ([small, "--seed", "18446744073709551616"], ["--seed"]),
            ([small, "--var", "x"], ["--var"]),
            ([small, "--var", "nosuch=3"], ["nosuch"]),
            ([small, "--set", "duration"], ["--set"]),
            ([small, "--set", "duratoin=5m"], ["duratoin"]),
            ([small, "--set", "duration=5"], ["duration"]),
            ([small, "--strategy", "defualt"], ["defualt", "default"]),
            ([small, "--strategy", "nowhere.json"], ["nowhere.json"]),
            ([small, "--format", "json,pdf"], ["pdf"]),
            ([small, "--journal", "some"], ["--journal", "some"]),
            ([small, "--only", "no such entry"], ["no such entry"]),
            ([small, "--quiet=yes"], ["--quiet"]),
            (["list"], []),
            (["list", "fautls"], ["fautls", "faults"]),
            (["validate"], []),
            (["report"], []),
            (["report", "nowhere"], ["nowhere"]),
        ]:
            with self.subTest(" ".join(args)):
                self.assert_refused(*args, wanted=wanted)
