#!/usr/bin/env python3
"""Which lines the tests reach: ./dev coverage

    tests/coverage.py BUILD-FOLDER [--missed WORD] [--messages] [--short]

BUILD-FOLDER was set up with -Db_coverage=true and its tests have run. Prints a line a folder:
lines with code, how many of them ran at least once, and the share; and the files that are
reached least. --missed prints the lines never reached in the files whose path contains WORD; --messages those
that tell a user what is wrong, but for those that tests/data/unreached.txt explains.
A line counts once, whichever programs it was compiled into.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

FOLDERS = ["healer", "harness", "faults", "reports"]
# What a file, an option or the machine got wrong is said by a call of one of these.
MESSAGE = re.compile(r"\b(read_error|read_wrong_type|read_key_error|diag_add|out_error_set|say_error|fail_at|"
                     r"complain\w*|refuse\w*|tell_both|fprintf\((errors|stderr),)")
# Memory that ran out: ./dev bench failing.
MEMORY = re.compile(r"out of memory|ENOMEM|RUN_NO_MEMORY")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def notes_below(folder):
    """What the compiler left of each object of ours, whether it ever ran or not."""
    for at, _, names in os.walk(folder):
        if os.path.relpath(at, folder).split(os.sep)[0] in FOLDERS:
            yield from (os.path.join(at, name) for name in sorted(names) if name.endswith(".gcno"))


def told_by_gcov(build, notes):
    """The files of gcov's JSON, an object at a time."""
    for i in range(0, len(notes), 50):
        told = subprocess.run(["gcov", "--json-format", "--stdout", *notes[i:i + 50]], cwd=build,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for row in told.stdout.splitlines():
            yield from json.loads(row)["files"]


def counted(build):
    """{path in the tree: {line: how often it ran}}"""
    lines = collections.defaultdict(collections.Counter)
    for file in told_by_gcov(build, list(notes_below(build))):
        path = os.path.relpath(os.path.normpath(os.path.join(build, file["file"])), ROOT)
        if path.split(os.sep)[0] in FOLDERS:
            for line in file["lines"]:
                lines[path][line["line_number"]] += line["count"]
    return lines


def reached(rows):
    return sum(count > 0 for count in rows.values())


def table(lines):
    print("%-20s %7s %7s %7s" % ("folder", "lines", "reached", "share"))
    sums = collections.defaultdict(lambda: [0, 0])
    for path, rows in lines.items():
        words = os.path.dirname(path).split(os.sep)
        for name in {words[0], "/".join(words[:2]), "all"}:
            sums[name][0] += len(rows)
            sums[name][1] += reached(rows)
    for name in sorted(sums, key=lambda name: (name == "all", name)):
        print("%-20s %7d %7d %6.1f%%" % (name, *sums[name], 100 * sums[name][1] / sums[name][0]))


def least(lines):
    print("\nmost lines never reached:")
    ranked = sorted(lines, key=lambda path: reached(lines[path]) - len(lines[path]))
    for path in ranked[:20]:
        rows = lines[path]
        print("%5d of %5d  %s" % (len(rows) - reached(rows), len(rows), path))


def explained():
    """(path, part of a line) of the messages that no test is to reach."""
    with open(os.path.join(ROOT, "tests", "data", "unreached.txt"), encoding="utf-8") as f:
        return [tuple(row.rstrip("\n").split(": ", 1)) for row in f if row.strip() and row[0] not in "#="]


def statement(path, number):
    """The line and those after it, up to the end of what it says."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        rest = f.read().split("\n")[number - 1:number + 5]
    return " ".join(rest).split(";")[0]


def messages(lines, word):
    """Prints the messages never reached that nothing explains, and the explanations that are not needed."""
    known, needed, rest, every, memory = explained(), set(), 0, 0, 0
    for path, number, count, text in matching(lines, word, MESSAGE):
        every += 1
        if count > 0:
            continue
        reasons = {pair for pair in known if pair[0] == path and pair[1] in text}
        needed |= reasons
        if MEMORY.search(statement(path, number)):
            memory += 1
        elif not reasons:
            rest += 1
            print("%s:%d: %s" % (path, number, text))
    for path, part in known:
        if word in path and (path, part) not in needed:
            print("tests/data/unreached.txt: is reached, or is gone: %s: %s" % (path, part))
    print("of %d messages no test reaches %d; besides, %d of memory that ran out and %d that unreached.txt explains" % (
        every, rest, memory, len(needed)))


def matching(lines, word, pattern):
    """(path, number, how often it ran, text) of the lines with code in which PATTERN is found."""
    for path in sorted(path for path in lines if word in path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = f.read().split("\n")
        for number, count in sorted(lines[path].items()):
            if number > len(text):
                sys.exit("%s has changed since the build" % path)
            if pattern.search(text[number - 1]):
                yield path, number, count, text[number - 1].strip()


def missed(lines, word):
    """Prints the lines never reached, and how many there are of all."""
    none = every = 0
    for path, number, count, text in matching(lines, word, re.compile("")):
        every += 1
        none += count == 0
        if count == 0:
            print("%s:%d: %s" % (path, number, text))
    print("%d of %d lines are never reached" % (none, every))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--missed", default="", metavar="WORD")
    parser.add_argument("--messages", action="store_true")
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    lines = counted(os.path.abspath(args.build))
    if not lines:
        print("%s was not built with -Db_coverage=true" % args.build, file=sys.stderr)
        return 1
    if args.messages:
        messages(lines, args.missed)
        return 0
    if args.missed:
        missed(lines, args.missed)
        return 0
    table(lines)
    if not args.short:
        least(lines)
    return 0


sys.exit(main())
