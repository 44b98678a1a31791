#!/usr/bin/env python3
"""Which lines the tests reach: ./dev coverage

    tests/coverage.py BUILD-FOLDER [--missed WORD] [--messages] [--short]

BUILD-FOLDER was set up with -Db_coverage=true and its tests have run. Prints a line a folder:
lines with code, how many of them ran at least once, and the share; and the files that are
reached least. --missed prints the lines never reached in the files whose path contains WORD; --messages those
that tell a user what is wrong.
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


def missed(lines, word, pattern):
    """Prints the lines never reached in which PATTERN is found, and how many there are of all of those."""
    none = every = 0
    for path in sorted(path for path in lines if word in path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = f.read().split("\n")
        for number, count in sorted(lines[path].items()):
            if number > len(text):
                sys.exit("%s has changed since the build" % path)
            if pattern.search(text[number - 1]):
                every += 1
                none += count == 0
                if count == 0:
                    print("%s:%d: %s" % (path, number, text[number - 1].strip()))
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
    if args.missed or args.messages:
        missed(lines, args.missed, MESSAGE if args.messages else re.compile(""))
        return 0
    table(lines)
    if not args.short:
        least(lines)
    return 0


sys.exit(main())
