#!/usr/bin/env python3
"""Every allocation and every step of input and output failed in turn: ./dev bench failing

    tests/bench/failing.py PROGRAM [--asan] [--calls] [--on] [--every K] [--once] [WHAT:]COMMAND...

Each place of the program that allocates (memory) or reads, writes, syncs, renames, opens,
steps (files) fails once, in each command; what must hold is in tests/e2e/failing.py. --calls
fails every call instead of one from each place; --on fails it and all after it; with --once a
place that an earlier command has had is not failed again in another (a quarter of the time). Prints
a line a command and each finding with its stack; exits with 1 when there is one.

Nine tenths of a step would be waiting for the disk, so the files are in memory where they can be.
"""
import argparse
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
MEMORY = "/dev/shm"
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e")]

import failing  # noqa: E402


def ours(stack):
    """The lines of a stack that are in the program."""
    return [row for row in stack.split("\n") if "chaos-run(" in row or "libhealer" in row]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--asan", action="store_true")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--on", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("commands", nargs="*")
    args = parser.parse_intermixed_args()
    wanted = args.commands or ["%s:%s" % (what, name) for what in ("files", "memory")
                               for name in failing.COMMANDS]
    folder = tempfile.mkdtemp(prefix="chaos-failing-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)
    tried = found = 0
    try:
        sweep = failing.Sweep(folder, failing.build(folder), os.path.abspath(args.program), args.asan)
        for word in wanted:
            what, _, name = word.rpartition(":")
            count = bad = 0
            for number, breach, told, stack in sweep.sweep(
                    name, what or "memory", args.every, every_call=args.calls, on=args.on,
                    once=args.once):
                count += 1
                if breach is None:
                    continue
                bad += 1
                print("%s, %s call %d: %s\n  exit %d, says: %s\n%s" % (
                    name, what, number, breach, told.code, told.err.strip()[-600:],
                    "\n".join("    " + row for row in ours(stack)[:9])), flush=True)
            tried, found = tried + count, found + bad
            print("%-9s %-7s %5d failures tried, %d findings" % (name, what, count, bad), flush=True)
    finally:
        shutil.rmtree(folder, True)
    print("%d failures tried, %d findings" % (tried, found))
    return 1 if found else 0


sys.exit(main())
