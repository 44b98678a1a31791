#!/usr/bin/env python3
"""Whether each shipped scenario hurts users where nobody heals: library.py CHAOS-RUN

A line a scenario and combination of its matrix: in how many of LIBRARY_SEEDS
replications (20) users of `untreated` were hurt by the faults, and for how long
(least, mean, most). LIBRARY_WORDS: only scenarios with one of these words in their
name. Fails when one hurts in fewer than 95 % of them and does not say why, or
hurts and says that it does not.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True

import shipped  # noqa: E402


def main():
    program = os.path.abspath(sys.argv[1])
    seeds = int(os.environ.get("LIBRARY_SEEDS", "20"))
    words = os.environ.get("LIBRARY_WORDS", "").split()
    bad = 0
    print("%-46s %-14s %7s   bad seconds: least, mean, most" % ("scenario", "", "hurt in"), flush=True)
    for path in shipped.PATHS:
        if words and not any(word in shipped.stem(path) for word in words):
            continue
        # A day of quiet is a day in every replication.
        runs = seeds if shipped.stem(path) != "quiet" else 1
        with tempfile.TemporaryDirectory() as folder:
            # A folder a scenario, as where several are given.
            out = os.path.join(folder, shipped.stem(path))
            told = subprocess.run([program, path, "--strategy", "none", "--runs", str(runs), "--no-plots",
                                   "--quiet", "--journal", "none", "--format", "csv", "--out", out],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True)
            inner = os.path.join(out, shipped.stem(path))
            if not os.path.exists(os.path.join(out, "metrics.csv")) and not os.path.isdir(inner):
                print("%-46s exit %d: %s" % (shipped.stem(path), told.returncode, told.stdout), flush=True)
                bad += 1
                continue
            for _, combination, at in shipped.results(out if os.path.isdir(inner) else folder, [path]):
                harm = shipped.harm_s(at)
                why = shipped.judge(path, combination, harm)
                bad += why is not None
                print("%-46s %-14s %3d/%-3d %7.0f %7.1f %7.0f  %s" % (
                    shipped.stem(path), combination, sum(s > 0 for s in harm), len(harm), min(harm),
                    sum(harm) / len(harm), max(harm),
                    why.upper() if why else "says why not" if shipped.excuse(path, combination) else ""),
                    flush=True)
    return 1 if bad else 0


sys.exit(main())
