#!/usr/bin/env python3
"""What a row of recorded telemetry costs: ./dev bench replay

tests/bench/bench_replay.py CHAOS-RUN [ROWS]

A daily wave with noise, gaps and outliers, as one series, as a hundred in one file and as a
directory of a hundred files, with scores written and without: processor time a row for the whole program (reading, judging,
writing), the best of three, and its largest memory at a tenth of the rows and at all of
them (1 000 000 unless ROWS says otherwise). The bound that the project set itself is
2000 ns a row; what is over it is said. It fails when memory grows with the file by more
than 1 MiB.
"""
import json
import math
import os
import random
import subprocess
import sys
import tempfile

PASSES = 3
ROW_NS_MAX = 2000
GROWTH_KIB_MAX = 1024


def write_rows(path, rows, series, files):
    if files > 1:
        os.makedirs(path, exist_ok=True)
        for k in range(files):
            write_rows(os.path.join(path, "part-%d.csv" % k), rows // files, 1, 1)
        return
    draw = random.Random(7)
    with open(path, "w", encoding="ascii") as out:
        out.write("timestamp,component,metric,value\n" if series > 1 else "timestamp,value\n")
        at = 1400000000
        for row in range(rows):
            index = row % series
            if index == 0:
                at += 300 if draw.random() > 0.0005 else 9000
            value = (50 + 10 * math.sin(at * 2 * math.pi / 86400) + draw.gauss(0, 2) +
                     (40 if draw.random() < 0.0005 else 0))
            if series > 1:
                out.write("%d,part-%d,load,%.4f\n" % (at, index, value))
            else:
                out.write("%d,%.4f\n" % (at, value))


def run(words):
    """Seconds of processor time, and KiB at most."""
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit("%s: exit %d: %s" % (words, status, child.stderr.read().decode()))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, json.loads(said)


def measure(program, folder, rows, series, files, scores):
    memory, best, bad = {}, math.inf, 0
    for count in (rows // 10, rows):
        path = os.path.join(folder, "rows" if files > 1 else "rows.csv")
        write_rows(path, count, series, files)
        words = [program, "replay", path, "--json"]
        if scores:
            words += ["--scores", os.path.join(folder, "scores" if files > 1 else "scores.csv")]
        for _ in range(PASSES):
            seconds, memory[count], report = run(words)
            if sum(file["rows"] for file in report["files"]) != count:
                sys.exit("not all rows were read")
            if count == rows:
                best = min(best, seconds)
    row_ns, growth = best / rows * 1e9, memory[rows] - memory[rows // 10]
    print("%4d series, %3d files, %-11s %6.0f ns a row%s, %5.2f s in all, %6d KiB at %d rows, %6d KiB at %d" %
          (series * files, files, "with scores" if scores else "no scores", row_ns,
           " (over %d)" % ROW_NS_MAX if row_ns > ROW_NS_MAX else "", best, memory[rows // 10],
           rows // 10, memory[rows], rows), flush=True)
    if growth > GROWTH_KIB_MAX:
        print("      memory grows with the file: %d KiB" % growth, file=sys.stderr)
        bad = 1
    return bad


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for series, files in ((1, 1), (100, 1), (1, 100)):
            for scores in (False, True):
                bad |= measure(program, folder, rows, series, files, scores)
    return bad


sys.exit(main())
