#!/usr/bin/env python3
"""Runs with --db, ended at random moments by signals: ./dev bench kills

    tests/bench/kills.py PROGRAM [KILLS]

After each signal the database opens, is sound and holds whole replications only, no file is
left half, and `--resume` ends with the bytes of a run that nobody disturbed. KILLS is 200,
or CHAOS_KILLS. Moments and signals are those of a fixed seed; where in the run they fall is
the machine's doing. Prints how many fell where; exits with 1 when something did not hold.
"""
import collections
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e")]

import chaos  # noqa: E402
import test_database  # noqa: E402

RUNS = "40"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGKILL]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}


class Kills(test_database.Database):
    """The checks of the database's tests, for as many kills as are asked for."""

    def runTest(self):
        pass

    def whole(self):
        began = time.monotonic()
        self.assert_code(0, self.run_small("whole", None, "--runs", RUNS, "--jobs", "1"))
        return time.monotonic() - began

    def kill_one(self, number, after_s):
        """Returns how many replications were held, or None when it had ended before."""
        for name in ("x.db", "x.db-wal", "x.db-shm"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        process = self.start("cut", "--runs", RUNS, "--resume", "--jobs", "1")
        try:
            time.sleep(after_s)
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
        code = process.returncode
        self.assertIn(code, (0, -number, CODES.get(number, 0)))
        held = 0
        if os.path.exists(self.path("x.db")) and self.ask("select count(*) from sqlite_master")[0][0]:
            self.assert_sound()
            held = self.ask("select count(*) from replications")[0][0]
        if number != signal.SIGKILL and os.path.isdir(self.path("cut")):
            self.assert_nothing_half_written(self.path("cut"))
        self.assert_code(0, self.run_db("cut", "--runs", RUNS, "--resume", "--jobs", "1"))
        self.assert_sound()
        self.assert_same_files(self.path("whole"), self.path("cut"))
        self.assert_nothing_half_written(self.path("cut"))
        return None if code == 0 else held


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    count = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHAOS_KILLS", "200"))
    chaos.program = lambda prefix=None: os.path.abspath(sys.argv[1])
    chance = random.Random(10)
    kills, bad, done = Kills(), 0, 0
    tally = collections.Counter()
    kills.setUp()
    try:
        lasts_s = kills.whole()
        for i in range(count):
            number = SIGNALS[i % len(SIGNALS)]
            after_s = chance.uniform(0, lasts_s)
            try:
                held = kills.kill_one(number, after_s)
                where = "after its end" if held is None else "before the first replication" \
                    if held == 0 else "after the last replication" if held == int(RUNS) else "in between"
                tally[number.name, where] += 1
            except (AssertionError, subprocess.TimeoutExpired) as error:
                bad += 1
                print("%s after %.3f s: %s" % (number.name, after_s, error), flush=True)
            done += 1
    except KeyboardInterrupt:
        print("ended before its end")
    finally:
        kills.doCleanups()
    for (name, where), times in sorted(tally.items()):
        print("%-8s %4d %s" % (name, times, where))
    print("%d kills, %d survived" % (done, done - bad))
    return 1 if bad else 0


sys.exit(main())
