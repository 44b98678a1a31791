"""The healer's own store in a simulation: `store.path` of a strategy.

What is in the file agrees with the journal; a healer whose host crashed goes on with
what the file says; killing the program costs no file; a disk that cannot be written
costs no result.
"""
import glob
import json
import os
import signal
import sqlite3
import subprocess
import time

import chaos

FAKETIME = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))


def crashing(store=None, **more):
    """A bank that fails, a healer that dies while it works on it, and later a call for a breaker."""
    healer = {"extends": "default"}
    if store:
        healer["store"] = dict({"path": store}, **more)
    return chaos.small(healer=healer, duration="7m", replications=1, method=[
        {"name": "bad bank", "fault": "error", "target": {"service": "bank", "instances": "all"},
         "at": "1m", "duration": "4m"},
        {"name": "no healer", "fault": "healer_crash", "at": "1m15s", "arguments": {"for": "20s"}},
        {"name": "slow bank", "fault": "latency", "target": {"from": "shop", "to": "bank"}, "at": "5m30s",
         "duration": "1m", "probability": 0.8, "arguments": {"delay": "2s"}},
    ])


class Store(chaos.Case):
    def journal(self, out="out", arm="treated"):
        with open(self.path(out, "journal.jsonl"), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        return [line for line in lines if line.get("arm") == arm and line["run"] == 0]

    def rows(self, sql, name="healer.db"):
        file = sqlite3.connect(self.path(name))
        try:
            return file.execute(sql).fetchall()
        finally:
            file.close()

    def words_of_restart(self, out="out"):
        return [line["text"] for line in self.journal(out)
                if line["type"] == "healer" and line["kind"] == "restarted"]

    def test_a_restarted_healer_takes_up_its_episodes_and_says_so_and_without_a_store_starts_clean(self):
        self.assert_code(0, self.run_small("out", crashing("healer.db")))
        self.assert_code(0, self.run_small("clean", crashing()))
        self.assertEqual(["starts clean, without its open episodes"], self.words_of_restart("clean"))
        said = self.words_of_restart()
        self.assertEqual(["takes up 1 open episode from its store"], said)
        # the episode goes on under its number until it is well; a clean one opens another
        def over_the_crash(out):
            return [e for e in self.result(out)["arms"]["treated"]["episodes"]
                    if e["opened"] < 75 and e["ended"] > 95]
        self.assertEqual([1], [len(over_the_crash("out"))])
        self.assertEqual([], over_the_crash("clean"))
        told = self.chaos("explain", self.path("out"), "--incident", "1")
        self.assert_code(0, told)
        self.assertIn("restarted: takes up 1 open episode from its store", " ".join(told.out.split()))
        # what the file says is what was reported
        session = "join healer_sessions s on s.id = session where s.source like 'treated %'"
        episodes = self.result()["arms"]["treated"]["episodes"]
        self.assertEqual([(len(episodes), 1)], self.rows(
            "select count(*), min(resolved_at is not null) from error_incidents " + session))
        actions = [line for line in self.journal() if line["type"] == "action_started"]
        self.assertEqual(len(actions), self.rows(
            "select count(*) from recovery_actions " + session)[0][0])
        breakers = [line for line in self.journal() if line["type"] == "breaker_opened"]
        self.assertGreater(len(breakers), 0)
        self.assertGreater(self.rows("select count(*) from circuit_breaker_state_history " + session)[0][0], 0)
        self.assertGreater(self.rows("select count(*) from health_checks " + session)[0][0], 0)

    def test_the_store_changes_no_result_and_a_second_run_repeats_the_first(self):
        quiet = crashing("healer.db")
        quiet["method"] = quiet["method"][:1]
        plain = crashing()
        plain["method"] = plain["method"][:1]
        self.assert_code(0, self.run_small("a", quiet, "--jobs", "2"))
        self.assert_code(0, self.run_small("b", quiet))
        self.assert_same_files("a", "b")
        self.assert_code(0, self.run_small("c", plain))
        self.assert_same_files("a", "c", ["series.csv", "metrics.csv", "incidents.csv"])
        self.assert_code(0, self.run_small("d", crashing("healer.db")))
        self.assert_code(0, self.run_small("e", crashing("healer.db")))
        self.assert_same_files("d", "e")  # not by what the file held before

    def test_its_ages_are_the_worlds_whatever_the_clock_says(self):
        """Retention goes by the time of the simulation: the same rows in 1970, now and in 2038."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        held = []
        for i, clock in enumerate((None, "@1970-01-01 00:00:05", "@2038-01-19 03:14:00")):
            wrap = ["timeout", "100", "env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1",
                    "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME=" + clock] if clock else ()
            self.assert_code(0, self.run_small("out%d" % i, crashing("healer.db"), "--jobs", "1", wrap=wrap))
            with sqlite3.connect(self.path("healer.db")) as file:
                held.append("\n".join(file.iterdump()))
            file.close()
            os.unlink(self.path("healer.db"))
        self.assertIn("INSERT INTO", held[0])
        self.assertEqual(held[0], held[1])
        self.assertEqual(held[0], held[2])

    def test_checks_are_kept_as_long_as_the_strategy_says(self):
        """`health.retention`, in the simulation's time; looked at once an hour."""
        def oldest_s(retention):
            healer = {"extends": "default", "health": {"retention": retention}, "store": {"path": "healer.db"}}
            scenario = chaos.small(healer=healer, duration="150m", method=[], replications=1, thresholds=[])
            scenario["load"][0]["rate"] = "1/s"
            self.assert_code(0, self.run_small("out", scenario))
            rows = self.rows("select min(checked_at), max(checked_at) from health_checks")
            os.unlink(self.path("healer.db"))
            return (rows[0][1] - rows[0][0]) / 1e9
        self.assertGreater(oldest_s("7d"), 100 * 60)
        self.assertLess(oldest_s("10m"), 80 * 60)

    def test_killed_in_the_middle_it_leaves_a_file_that_is_sound(self):
        scenario = self.write("small.json", dict(crashing("healer.db", batch_size=5), replications=200))
        for wait in (0.4, 1.1):
            with subprocess.Popen([chaos.program(), scenario, "--out", self.path("killed"), "--no-plots",
                                   "--quiet"], env=chaos.environment(), cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
                end = time.monotonic() + 60
                while not os.path.exists(self.path("healer.db")) and time.monotonic() < end:
                    time.sleep(0.02)
                time.sleep(wait)
                run.send_signal(signal.SIGKILL)
                run.wait(60)
            self.assertEqual([("ok",)], self.rows("pragma integrity_check"))
            self.assertGreater(self.rows("select count(*) from healer_sessions")[0][0], 0)
        self.assert_code(0, self.run_small("after", crashing("healer.db")))

    def test_a_store_that_cannot_be_written_costs_74_and_no_result(self):
        self.assert_code(0, self.run_small("good", crashing()))
        self.write("broken.db", "this is no database, and long enough that it is not taken for an empty one" * 20)
        told = self.run_small("out", crashing("broken.db"))
        self.assert_code(74, told)
        self.assertIn("the healer's store: ", told.err)
        self.assertIn("not a database", told.err)
        self.assertEqual(1, len(self.words_of_restart()))
        self.assertTrue(self.words_of_restart()[0].startswith("starts clean"))
        self.assert_same_files("good", "out", ["series.csv", "metrics.csv", "incidents.csv"])

    def test_a_store_outside_of_its_folder_needs_leave(self):
        outside = self.path("elsewhere")
        os.mkdir(outside)
        os.mkdir(self.path("in"))
        path = self.write("in/small.json", crashing("../elsewhere/healer.db"))
        told = self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet")
        self.assert_code(2, told)
        self.assertIn("'../elsewhere/healer.db' leaves the folder of the file", told.err)
        self.assertEqual([], os.listdir(outside))
        self.assert_code(0, self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet",
                                       "--allow-path", outside))
        self.assertIn("healer.db", os.listdir(outside))
