#!/usr/bin/env python3
"""Runs with --db, ended at random moments by signals: ./dev bench kills

    tests/bench/kills.py PROGRAM [KILLS] [FROM]

After each signal the database opens, is sound and holds whole replications only, no file is
left half, and `--resume` ends with the bytes of a run that nobody disturbed. KILLS is 200,
or CHAOS_KILLS; with FROM those before it are left out, for a run that was ended. Signals and moments are those of a fixed seed. Of ten moments eight are so
long after the database holds so many replications, one is in the time before it holds any,
and one in the time that it takes to write the results; a machine that is slow or busy moves
none of the eight out of the run. Prints how many fell where; exits with 1 when something
did not hold.
"""
import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e")]

import chaos  # noqa: E402
import test_database  # noqa: E402

RUNS = "20"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGKILL]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}


class Kills(test_database.Database):
    """The checks of the database's tests, for as many kills as are asked for."""

    def runTest(self):
        pass

    def whole(self):
        """How long a replication takes here, and what comes before and after all of them."""
        began = time.monotonic()
        process = self.start("timed", "--runs", RUNS, "--resume", "--jobs", "1")
        try:
            self.wait_until_held(process, 1)
            first = time.monotonic()
            self.wait_until_held(process, int(RUNS))
            last = time.monotonic()
            process.communicate(timeout=60)
        finally:
            process.kill()
        self.assert_code(0, self.run_small("whole", None, "--runs", RUNS, "--jobs", "1"))
        return {"before": first - began, "one": (last - first) / (int(RUNS) - 1),
                "after": time.monotonic() - last}

    def wait_until_held(self, process, count):
        """Until the database holds so many replications; asked as another program would."""
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until and self.held() < count:
            time.sleep(0.003)

    def held(self):
        file = None
        try:
            file = sqlite3.connect("file:%s?mode=ro" % self.path("x.db"), uri=True, timeout=0)
            return file.execute("select count(*) from replications").fetchone()[0]
        except sqlite3.Error:  # it is not there, is being made, or is held
            return 0
        finally:
            if file is not None:
                file.close()

    def kill_one(self, number, count, after_s):
        """A signal so long after so many are held. Returns how many were held when it fell,
        or None when the run had ended before. SIGPIPE must not end a run."""
        for name in ("x.db", "x.db-wal", "x.db-shm"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        process = self.start("cut", "--runs", RUNS, "--resume", "--jobs", "1")
        try:
            self.wait_until_held(process, count)
            time.sleep(after_s)
            then = None if process.poll() is not None else self.held()
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
        return then if number == signal.SIGPIPE else None if code == 0 else held


def moment(chance, i, lasts_s):
    """(replications held, seconds after that) of kill I."""
    if i % 10 == 0:
        return 0, chance.uniform(0, lasts_s["before"])
    if i % 10 == 5:
        return int(RUNS), chance.uniform(0, lasts_s["after"] / 4)
    # A replication is held a moment after it ended: from one to the next is every step of both.
    return chance.randint(1, int(RUNS) - 3), chance.uniform(0, lasts_s["one"])


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    count = int(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHAOS_KILLS", "200"))
    chaos.program = lambda prefix=None: os.path.abspath(sys.argv[1])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    kills, bad, done = Kills(), 0, 0
    tally = collections.Counter()
    kills.setUp()
    try:
        lasts_s = kills.whole()
        for i in range(first, count):
            chance = random.Random(10 * 1000000 + i)
            number = SIGNALS[i % len(SIGNALS)]
            count_before, after_s = moment(chance, i // len(SIGNALS) + 2 * (i % len(SIGNALS)), lasts_s)
            try:
                held = kills.kill_one(number, count_before, after_s)
                where = "after its end" if held is None else "before the first replication" \
                    if held == 0 else "after the last replication" if held == int(RUNS) else "in between"
                tally[number.name, where] += 1
            except (AssertionError, subprocess.TimeoutExpired) as error:
                bad += 1
                print("%s %.3f s after %d replications: %s" % (number.name, after_s, count_before, error),
                      flush=True)
            done += 1
            if done % 20 == 0:
                print("kill %d of %d" % (first + done, count), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("ended before its end")
    finally:
        kills.doCleanups()
    for (name, where), times in sorted(tally.items()):
        print("%-8s %4d %s" % (name, times, where))
    print("%d kills, %d survived" % (done, done - bad))
    return 1 if bad else 0


sys.exit(main())
