#!/usr/bin/env python3
"""Two threads of replications against one: bench_threads.py CHAOS-RUN SCENARIO

Wall time of the same replications with --jobs 1 and --jobs 2, in turns, the
best of two of each. The results must be the same bytes, else it fails.
"""
import os
import subprocess
import sys
import tempfile
import time

RUNS = 4


def run(program, scenario, jobs, out):
    began = time.monotonic()
    subprocess.run([program, scenario, "--runs", str(RUNS), "--jobs", str(jobs), "--out", out,
                    "--no-plots", "--format", "json"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took_s = time.monotonic() - began
    with open(os.path.join(out, "result.json"), "rb") as file:
        return took_s, file.read()


def main():
    program, scenario = sys.argv[1:3]
    best, results = {1: 1e9, 2: 1e9}, set()
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(2):
            for jobs in best:
                took_s, result = run(program, scenario, jobs, os.path.join(folder, "%d-%d" % (turn, jobs)))
                best[jobs] = min(best[jobs], took_s)
                results.add(result)
    print("%d replications of %s: one thread %.2f s, two threads %.2f s, ratio %.2f (%d processors)"
          % (RUNS, os.path.basename(scenario), best[1], best[2], best[1] / best[2],
             len(os.sched_getaffinity(0))))
    if len(results) != 1:
        print("the results differ", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
