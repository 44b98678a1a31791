#!/usr/bin/env python3
"""What ten scenarios came to, as digests of the files of a run: tests/data/digests.txt.

    tests/e2e/digests.py PROGRAM [--write]

A line is a scenario, a file and the first 16 digits of its SHA-256. They are the same for
every compiler, optimisation, number of threads, locale and time zone; whoever changes results
on purpose writes them anew (`./dev digests`) and shows in the diff which scenarios moved.
Without --write it says which differ, and exits with 1 when one does. Shared by
test_determinism.py (a few ways in CI) and tests/bench/determinism.py (all of them).
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STORED = os.path.join(ROOT, "tests", "data", "digests.txt")
# Cheap ones that reach far apart: edges, instances, zones, telemetry, the healer itself, data,
# changes of version, memory, random experiments. The first two are what ASan has time for.
SCENARIOS = ["lookalike-slow-edge", "fault-zone-outage", "fault-telemetry-lie", "fault-crash-loop",
             "fault-bad-deployment", "fault-partition", "fault-oom-kill",
             "outage-failover-that-repeats", "fault-healer-crash", "monkey"]
FILES = ["result.json", "journal.jsonl", "series.csv", "metrics.csv", "incidents.csv"]
RUNS = "2"  # so that more than one thread has something to do


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:16]


def taken(program, folder, scenarios=None, args=("--jobs", "1"), env=None):
    """{(scenario, file): digest} of what PROGRAM writes, into FOLDER and away again."""
    found = {}
    for scenario in scenarios or SCENARIOS:
        out = os.path.join(folder, scenario)
        told = subprocess.run(
            [program, os.path.join(ROOT, "scenarios", scenario + ".json"), "--runs", RUNS, "--quiet",
             "--no-plots", "--out", out, *args],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if told.returncode not in (0, 1, 3, 4, 5, 6, 7):
            raise RuntimeError("%s: exit %d: %s" % (
                scenario, told.returncode, told.stderr.decode("utf-8", "replace")[-2000:]))
        for name in FILES:
            found[scenario, name] = digest(os.path.join(out, name))
        shutil.rmtree(out)
    return found


def stored():
    with open(STORED, encoding="ascii") as f:
        rows = [line.split() for line in f if not line.startswith("#")]
    return {(scenario, name): value for scenario, name, value in rows}


def moved(found, wanted=None):
    """The names of what FOUND has otherwise than the tree (or WANTED)."""
    wanted = stored() if wanted is None else wanted
    return ["%s %s" % key for key in sorted(found) if found[key] != wanted.get(key)]


def write(found):
    with open(STORED, "w", encoding="ascii") as f:
        f.write("# Scenario, file, SHA-256 of --runs %s: see tests/e2e/digests.py. Written by ./dev digests.\n" % RUNS)
        for scenario in SCENARIOS:
            for name in FILES:
                f.write("%s %s %s\n" % (scenario, name, found[scenario, name]))


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="chaos-digests-")
    try:
        found = taken(os.path.abspath(sys.argv[1]), folder, args=())
    finally:
        shutil.rmtree(folder, True)
    if sys.argv[2:]:
        write(found)
        return 0
    differ = moved(found)
    print("\n".join(differ) or "%d files, all as in the tree" % len(found))
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
