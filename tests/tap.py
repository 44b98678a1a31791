"""Runs Python tests and says so in TAP, as the unit tests in C do.

A folder's `test_*.py` are ordinary unittest modules; `main(folder)` runs those
whose name contains a word of the command line, or all. Each test is a line
`ok N - module: name of the test`, with its time; what a failing test said comes
before its line, behind `#`. Sub-tests count one by one when they fail. The exit
code is 1 when a test failed or none was found.

With `jobs`, so many files run at a time, each in a process of its own, and the
lines of a file come when it is through. The files named in `long` begin first.
"""
import concurrent.futures
import importlib.util
import io
import os
import re
import subprocess
import sys
import time
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.number = 0
        self.bad = 0
        self.started_at = 0.0
        self.sub_failed = False

    def startTest(self, test):
        super().startTest(test)
        self.started_at = time.monotonic()
        self.sub_failed = False

    def line(self, good, test, note=""):
        self.number += 1
        self.bad += not good
        words = title(test)
        seconds = time.monotonic() - self.started_at
        self.out.write("%sok %d - %s%s%s\n" % (
            "" if good else "not ", self.number, words, note,
            "" if note or seconds < 1 else " (%.0f s)" % seconds))
        self.out.flush()

    def told(self, err):
        kind, value, trace = err
        if issubclass(kind, AssertionError):
            trace_text = "".join(traceback.format_tb(trace)[-1:]) + str(value)
        else:
            trace_text = "".join(traceback.format_exception(kind, value, trace))
        for row in trace_text.rstrip("\n").split("\n"):
            self.out.write("# %s\n" % row)

    def addSuccess(self, test):
        self.line(True, test)

    def addFailure(self, test, err):
        self.told(err)
        self.line(False, test)

    def addError(self, test, err):
        self.told(err)
        self.line(False, test)

    def addSkip(self, test, reason):
        self.line(True, test, " # SKIP %s" % reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.sub_failed = True
            self.told(err)
            self.line(False, subtest)

    def addExpectedFailure(self, test, err):
        self.line(False, test, " # expected failures are not used here")

    def addUnexpectedSuccess(self, test):
        self.line(False, test, " # expected failures are not used here")


def title(test):
    """`test_exit_codes.Codes.test_a_missing_file_is_2` -> `exit_codes: a missing file is 2`."""
    identity = test.id()
    words = identity.split(" ", 1)
    parts = words[0].split(".")
    if len(parts) < 2:  # setUpClass and the like
        return identity.replace("#", "")
    module = re.sub(r"^test_", "", parts[0])
    name = re.sub(r"^test_", "", parts[-1]).replace("_", " ")
    more = " " + words[1] if len(words) > 1 else ""
    return ("%s: %s%s" % (module, name, more)).replace("#", "").replace("\n", " ")


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def run_files(paths, out):
    """Returns how many results there were, and how many of them bad."""
    suite = unittest.TestSuite()
    broken = 0
    for path in paths:
        try:
            suite.addTest(load(path))
        except Exception:  # a module that does not load is a failed test, not the end of all
            broken += 1
            for row in traceback.format_exc().rstrip("\n").split("\n"):
                out.write("# %s\n" % row)
            out.write("not ok %d - %s cannot be loaded\n" % (broken, os.path.basename(path)))
    result = TapResult(out)
    result.number = broken
    suite.run(result)
    return result.number, result.bad + broken


RESULT = re.compile(r"^(not )?ok \d+ ")


def run_apart(path):
    """A file's TAP, from a process that is this one's command with `--file` before its words."""
    command = [sys.executable, sys.argv[0], "--file", path] + sys.argv[1:]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    rows = told.stdout.rstrip("\n").split("\n")
    if told.returncode not in (0, 1) or not re.match(r"^1\.\.\d+$", rows[-1]):
        rows.append("not ok 0 - %s ends before its last test (exit %d)" % (os.path.basename(path), told.returncode))
    return rows


def run_files_apart(paths, jobs, out):
    number = bad = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_apart, path) for path in paths]):
            for row in done.result():
                match = RESULT.match(row)
                if match:
                    number += 1
                    bad += bool(match.group(1))
                    row = RESULT.sub(lambda m: "%sok %d " % (m.group(1) or "", number), row)
                elif row.startswith("1.."):
                    continue
                out.write(row + "\n")
            out.flush()
    return number, bad


def main(folder, words=None, jobs=1, only=None, long=()):
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    paths = sorted(
        os.path.join(folder, name)
        for name in os.listdir(folder)
        if name.startswith("test_") and name.endswith(".py")
        and (not words or any(word in name for word in words))
    )
    names = ["test_%s.py" % name for name in long]
    paths.sort(key=lambda path: (names + [os.path.basename(path)]).index(os.path.basename(path)))
    if only is not None or jobs == 1:
        number, bad = run_files(paths if only is None else [only], sys.stdout)
    else:
        number, bad = run_files_apart(paths, jobs, sys.stdout)
    sys.stdout.write("1..%d\n" % number)
    sys.stdout.flush()
    return 1 if bad or not number else 0
