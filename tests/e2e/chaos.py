"""What the tests of the installed program share: running it, and a small world.

The small world is two services and a client, a minute-long fault and few
requests: a run of it takes a fraction of a second, so that a test may make many.
Its first fault can be healed: a breaker with the edge's fallback behind it does.
Each test has a fresh folder of its own, a fixed environment, and no stdin.
"""
import copy
import json
import os
import shutil
import subprocess
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
SCENARIOS = os.path.join(ROOT, "scenarios")

# Set by tests/e2e/run.
PREFIXES = []
ASAN = None
TSAN = None

# Files of a run that must be the same bytes when nothing but the machine differs.
REPEATABLE = ["result.json", "journal.jsonl", "series.csv", "metrics.csv", "incidents.csv",
              "junit.xml"]

SMALL = {
    "version": 1,
    "title": "a small shop",
    "seed": 7,
    "duration": "6m",
    "warmup": "5m",
    "fleet": {
        "zones": [{"name": "a"}, {"name": "b"}],
        "services": [
            {"name": "shop", "instances": 2, "concurrency": 4, "queue": 32,
             "service_time": {"dist": "lognormal", "p50": "4ms", "p99": "20ms"},
             "calls": [{"to": "bank", "probability": 0.5, "timeout": "4s",
                        "fallback": {"kind": "static", "quality": 0.9}}],
             "restart_time": "5s", "boot_time": "10s",
             "slo": {"target": "99%", "latency": "400ms", "window": "10s", "min_requests": 20}},
            {"name": "bank", "instances": 2, "concurrency": 4, "queue": 32,
             "service_time": {"dist": "exponential", "mean": "10ms"},
             "restart_time": "5s", "boot_time": "10s",
             "slo": {"target": "99%", "latency": "400ms"}},
        ],
    },
    "load": [{"name": "people", "to": "shop", "process": "poisson", "rate": "20/s",
              "timeout": "5s"}],
    "healer": "default",
    "method": [
        {"name": "slow bank", "fault": "latency", "target": {"from": "shop", "to": "bank"},
         "at": "1m", "duration": "60s", "probability": 0.8, "arguments": {"delay": "2s"}},
        {"name": "bank dies", "fault": "crash", "target": {"service": "bank", "instances": "one"},
         "at": "3m"},
    ],
    "thresholds": ["availability >= 10%"],
    "replications": 3,
}


def small(**changes):
    """The small world with some of its top-level keys replaced."""
    scenario = copy.deepcopy(SMALL)
    scenario.update(copy.deepcopy(changes))
    return scenario


# For a run whose files may not grow: coverage, where it is counted, is cut as any file is, and one that is cut
# is worth nothing to those after it.
COUNT_ELSEWHERE = {"GCOV_PREFIX": "/dev/null"}  # where no folder can be made


def program(prefix=None):
    return os.path.join(prefix or PREFIXES[0], "bin", "chaos-run")


def environment(**more):
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
           "TZ": "UTC", "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99",
           "TSAN_OPTIONS": "exitcode=99:halt_on_error=1",
           "GCOV_ERROR_FILE": "/dev/null"}  # coverage, where it is counted, cannot always be written
    env.update({key: value for key, value in more.items() if value is not None})
    return env


class Told:
    """What a call of the program gave back."""

    def __init__(self, args, code, out, err, raw=()):
        self.args, self.code, self.out, self.err, self.raw = args, code, out, err, raw

    def __str__(self):
        return "exit %s of %s\nstdout: %s\nstderr: %s" % (
            self.code, " ".join(map(str, self.args)), self.out[-3000:], self.err[-3000:])


class Case(unittest.TestCase):
    """A test with a folder of its own, `self.folder`."""

    maxDiff = 2000

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="chaos-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        """Writes bytes, text, or anything else as JSON; returns the path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content, indent=2)
        if isinstance(content, str):
            content = content.encode("utf-8")
        with open(path, "wb") as f:
            f.write(content)
        return path

    def chaos(self, *args, binary=None, prefix=None, cwd=None, env=None, within_s=120, wrap=(),
              stdout=subprocess.PIPE, before=None):
        command = [*wrap, binary or program(prefix), *args]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, cwd=cwd or self.folder,
                              env=environment(**(env or {})), timeout=within_s, preexec_fn=before)
        raw = (done.stdout or b"", done.stderr)
        return Told(command, done.returncode, *(stream.decode("utf-8", "replace") for stream in raw), raw)

    def run_small(self, out="out", scenario=None, *args, **how):
        """Runs the small world, without plots, into the folder `out`."""
        path = self.path("small.json")
        if scenario is not None or not os.path.exists(path):
            self.write("small.json", scenario or SMALL)
        return self.chaos(path, "--out", self.path(out), "--no-plots", "--quiet", *args, **how)

    def result(self, out="out"):
        with open(self.path(out, "result.json"), encoding="utf-8") as f:
            return json.load(f)

    def assert_code(self, wanted, told):
        self.assertEqual(wanted, told.code, "\n%s" % told)

    def assert_same_files(self, one, other, names=None):
        for name in names or REPEATABLE:
            with open(self.path(one, name), "rb") as f, open(self.path(other, name), "rb") as g:
                a, b = f.read(), g.read()
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                self.fail("%s differs between %s and %s from byte %d on: %r and %r" % (
                    name, one, other, at, a[max(0, at - 40):at + 40], b[max(0, at - 40):at + 40]))

    def files_below(self, folder):
        found = []
        for at, _, names in os.walk(folder):
            found += [os.path.relpath(os.path.join(at, name), folder) for name in names]
        return sorted(found)

    def assert_nothing_half_written(self, folder):
        """No temporary file is left, and a result.json is a whole one."""
        for name in self.files_below(folder):
            self.assertNotRegex(name, r"(\.tmp|\.part|~|XXXXXX|^\.)", "left in %s" % folder)
            if name.endswith(".json"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    json.load(f)
