#!/usr/bin/env python3
"""Counts tests one by one and shows what the failing ones said.

    tests/tally.py tap FILE...           TAP, as the Python tests write it
    tests/tally.py meson TESTLOG.JSON    what `meson test` leaves behind

Prints the failing tests on stderr with their output, and as its last line on
stdout `PASSED FAILED SKIPPED`. Always exits 0 when it could count: who calls it
adds up and decides.

A program that speaks TAP counts as its `ok` and `not ok` lines. One that ended
badly without a `not ok` (a crash, a sanitizer, a time-out, too few results)
counts as one failure more, so that nothing goes missing in silence. A skipped
test is neither passed nor failed.
"""
import json
import re
import sys

RESULT = re.compile(r"^(not )?ok\b(?:\s+\d+)?(?:\s*-)?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")
SKIP = re.compile(r"#\s*skip\b", re.IGNORECASE)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count_tap(text):
    """(Count, names of failures, whether as many results came as were planned)."""
    count, bad, plan = Count(), [], None
    for line in text.split("\n"):
        match = RESULT.match(line)
        if match:
            if SKIP.search(line):
                count.skipped += 1
            elif match.group(1):
                count.failed += 1
                bad.append(match.group(2))
            else:
                count.passed += 1
        elif PLAN.match(line):
            plan = int(PLAN.match(line).group(1))
    seen = count.passed + count.failed + count.skipped
    return count, bad, plan is not None and plan == seen


def say(text, limit=400):
    lines = text.rstrip("\n").split("\n")
    if len(lines) > limit:
        lines = lines[:limit] + ["... %d lines more" % (len(lines) - limit)]
    for line in lines:
        print("    " + line, file=sys.stderr)


def failing_lines(text):
    """The TAP without what went well."""
    return "\n".join(line for line in text.split("\n") if not re.match(r"^ok\b", line))


def tally_tap(paths):
    total = Count()
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        count, bad, complete = count_tap(text)
        if not complete:
            count.failed += 1
            bad.append("%s ended before its tests did" % path)
        if bad:
            say(failing_lines(text))
            print("failed: " + "; ".join(bad), file=sys.stderr)
        total.add(count)
    return total


def tally_meson(path):
    total = Count()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.strip():
                total.add(tally_program(json.loads(line)))
    return total


def tally_program(test):
    """One program of a testlog.json: `name`, `result`, `stdout`, `stderr`."""
    out, err = test.get("stdout") or "", test.get("stderr") or ""
    good = test["result"] in ("OK", "SKIP")
    count, bad, complete = count_tap(out)
    if count.passed + count.failed + count.skipped == 0:
        count = Count()
        if test["result"] == "SKIP":
            count.skipped = 1
        elif good:
            count.passed = 1
        else:
            count.failed = 1
            bad.append("%s: %s" % (test["name"], test["result"]))
    elif (not good or not complete) and not count.failed:
        count.failed += 1
        bad.append("%s: %s, exit %s" % (test["name"], test["result"], test.get("returncode")))
    if count.failed:
        print("%s (%s):" % (test["name"], test["result"]), file=sys.stderr)
        say(failing_lines(out))
        say(err)
        print("failed: " + "; ".join(bad), file=sys.stderr)
    return count


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("tap", "meson"):
        print(__doc__, file=sys.stderr)
        return 2
    total = Count()
    if sys.argv[1] == "tap":
        total = tally_tap(sys.argv[2:])
    else:
        for path in sys.argv[2:]:
            total.add(tally_meson(path))
    print("%d %d %d" % (total.passed, total.failed, total.skipped))
    return 0


if __name__ == "__main__":
    sys.exit(main())
