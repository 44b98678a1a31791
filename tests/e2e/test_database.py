"""--db and --resume: whole replications only, at any moment; the same bytes after going on."""
import collections
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import chaos

# What a healer's own tables tell of a session: table, and columns that are no number of the file.
TOLD = {"error_incidents": "error_type, detected_at, resolved_at", "recovery_actions": "action_type, status, created_at",
        "health_checks": "component, check_name, status, checked_at",
        "system_health_metrics": "metric_name, current_value, measured_at, component"}
FAKETIME = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
QUERIES = os.path.join(chaos.ROOT, "reports", "README.md")


class Database(chaos.Case):
    def ask(self, sql, *values, db="x.db"):
        with contextlib.closing(sqlite3.connect(self.path(db))) as file, file:
            return file.execute(sql, values).fetchall()

    def run_db(self, out="out", *args, **how):
        return self.run_small(out, None, "--db", self.path("x.db"), *args, **how)

    def start(self, out, *args):
        self.write("small.json", chaos.SMALL)
        return subprocess.Popen([chaos.program(), self.path("small.json"), "--out", self.path(out),
                                 "--no-plots", "--quiet", "--db", self.path("x.db"), *args],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env=chaos.environment(), cwd=self.folder)

    def holds_a_replication(self):
        try:
            return os.path.exists(self.path("x.db")) and self.ask("select count(*) from replications")[0][0] > 0
        except sqlite3.OperationalError:  # it is being made, or held
            return False

    def wait_for_a_replication(self, process, may_end=False):
        """Until the database of a run holds one; neither too early nor too late on any machine."""
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            if self.holds_a_replication():
                return
            time.sleep(0.01)
        if not may_end or process.poll() is None:
            self.fail("it ended before it could be interrupted")

    def assert_sound(self):
        self.assertEqual([("ok",)], self.ask("pragma integrity_check"))
        self.assertEqual([], self.ask("pragma foreign_key_check"))
        whole = self.ask("select count(*) from replications")[0][0]
        arms = self.ask("select count(distinct run_id || ' ' || replication), count(*) from arms")[0]
        self.assertEqual(whole, arms[0])
        self.assertEqual(0, arms[1] % max(whole, 1))

    def sessions(self, db):
        """{source: (it was closed, {table: rows})} of the healer's own tables."""
        if not self.ask("select 1 from sqlite_master where name = 'healer_sessions'", db=db):
            return {}
        return {source: (closed is not None, {
            table: self.ask("select %s from %s where session = ? order by id" % (columns, table), number, db=db)
            for table, columns in TOLD.items()})
            for number, source, closed in self.ask("select id, source, closed_at from healer_sessions", db=db)}

    def assert_healers_tables(self, whole):
        """After a kill: what was closed is all there, of the rest a batch is missing at the end."""
        held = self.sessions("x.db")
        for source, (closed, tables) in held.items():
            for table, rows in tables.items():
                self.assertEqual(whole[source][1][table][:len(rows)], rows, (source, table))
                if closed:
                    self.assertEqual(len(whole[source][1][table]), len(rows), (source, table))
        closed = sum(closed for source, (closed, _) in held.items() if source.startswith("treated"))
        self.assertGreaterEqual(closed, self.ask("select count(*) from replications")[0][0])
        return closed

    def test_results_are_the_same_with_and_without(self):
        self.assert_code(0, self.run_small("plain"))
        self.assert_code(0, self.run_db("entered"))
        self.assert_same_files(self.path("plain"), self.path("entered"))

    def test_the_healers_own_tables_are_in_the_same_file(self):
        """What the harness measured, and what the healer knew and did."""
        self.assert_code(0, self.run_db())
        treated = self.result()["arms"]["treated"]
        runs = self.ask("select count(distinct source) from healer_sessions where source like 'treated%'")
        self.assertEqual([(self.result()["runs"],)], runs)
        of_treated = " join healer_sessions as s on s.id = session where source like 'treated%'"
        self.assertEqual([(len(treated["episodes"]),)],
                         self.ask("select count(*) from error_incidents" + of_treated))
        self.assertGreater(self.ask("select count(*) from health_checks" + of_treated)[0][0], 10)
        self.assertEqual([(0,)], self.ask("select sum(lost) from healer_sessions"))

    def test_it_says_what_the_result_says(self):
        self.assert_code(0, self.run_db())
        result = self.result()
        for arm, tree in result["arms"].items():
            for name, metric in tree["metrics"].items():
                row = self.ask("select value, low, high, n, unit from metrics where arm = ? and "
                               "metric = ?", arm, name)
                # result.json has twelve digits.
                for key, told in zip(("value", "low", "high", "n", "unit"), row[0]):
                    if isinstance(told, float) and metric[key] is not None:
                        self.assertAlmostEqual(metric[key], told, delta=1e-9 * abs(told) + 1e-12)
                    else:
                        self.assertEqual(metric[key], told, (arm, name, key))
            for table in ("incidents", "episodes", "actions", "predictions"):
                self.assertEqual([(len(tree[table]),)], self.ask(
                    "select count(*) from %s where arm = ?" % table, arm), table)
        self.assertEqual([(result["outcome"], result["exit_code"], "finished")], self.ask(
            "select outcome, exit_code, state from runs"))

    def test_killed_at_any_moment_it_holds_whole_replications_and_goes_on_to_the_same_bytes(self):
        runs = "24"
        began = time.monotonic()
        self.assert_code(0, self.run_small("whole", None, "--runs", runs, "--db", self.path("whole.db")))
        whole_s = time.monotonic() - began
        whole = self.sessions("whole.db")
        self.assertGreater(sum(len(rows) for _, tables in whole.values() for rows in tables.values()), 100)
        closed = 0
        # More of them, and at random moments: ./dev bench kills.
        for share, number in ((0, signal.SIGKILL), (0.02, signal.SIGTERM), (0.2, signal.SIGKILL),
                              (0.6, signal.SIGHUP), (0.8, signal.SIGKILL), (0.95, signal.SIGINT)):
            for name in ("x.db", "x.db-wal", "x.db-shm"):
                if os.path.exists(self.path(name)):
                    os.unlink(self.path(name))
            process = self.start("cut", "--runs", runs, "--resume")
            self.addCleanup(process.kill)
            time.sleep(share * whole_s)
            if share == 0.8:
                self.wait_for_a_replication(process, may_end=True)
            process.send_signal(number)
            process.communicate(timeout=60)
            if os.path.exists(self.path("x.db")) and self.ask(
                    "select count(*) from sqlite_master")[0][0]:
                self.assert_sound()
                if number == signal.SIGKILL:
                    closed += self.assert_healers_tables(whole)
            self.assert_code(0, self.run_db("cut", "--runs", runs, "--resume"))
            self.assert_sound()
            self.assertEqual(set(whole), set(self.sessions("x.db")))
            self.assert_same_files(self.path("whole"), self.path("cut"))
        self.assertGreater(closed, 0)

    def test_interrupted_it_goes_on(self):
        process = self.start("cut", "--runs", "50")
        self.addCleanup(process.kill)
        self.wait_for_a_replication(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(130, process.returncode)
        held = self.ask("select count(*) from replications")[0][0]
        self.assertGreater(held, 0)
        told = self.chaos(self.path("small.json"), "--runs", "50", "--out", self.path("cut"),
                          "--no-plots", "--db", self.path("x.db"), "--resume")
        self.assert_code(0, told)
        self.assertIn("going on after %d of 50" % held, told.err)
        self.assert_code(0, self.run_small("whole", None, "--runs", "50"))
        self.assert_same_files(self.path("whole"), self.path("cut"))

    def test_what_has_ended_is_not_run_again(self):
        self.assert_code(0, self.run_db())
        before = os.stat(self.path("out", "result.json")).st_mtime_ns
        told = self.run_db("out", "--resume")
        self.assert_code(0, told)
        self.assertIn("was run before", told.err)
        self.assertEqual(before, os.stat(self.path("out", "result.json")).st_mtime_ns)
        os.unlink(self.path("out", "result.json"))
        self.assert_code(0, self.run_db("out", "--resume"))
        self.assertTrue(os.path.exists(self.path("out", "result.json")))

    def test_a_comparison_goes_on_too(self):
        path = self.write("small.json", chaos.SMALL)
        args = ["ab", path, "--a", "default", "--b", "none", "--runs", "30", "--no-plots", "--quiet"]
        self.assert_code(6, self.chaos(*args, "--out", self.path("whole")))
        process = subprocess.Popen([chaos.program(), *args, "--out", self.path("cut"), "--db",
                                    self.path("x.db")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=chaos.environment())
        self.addCleanup(process.kill)
        self.wait_for_a_replication(process)
        process.kill()
        process.communicate(timeout=60)
        self.assertGreater(self.ask("select count(*) from replications")[0][0], 0)
        self.assert_code(6, self.chaos(*args, "--out", self.path("cut"), "--db", self.path("x.db"),
                                       "--resume"))
        self.assert_same_files(self.path("whole"), self.path("cut"),
                               ["result.json", "series.csv", "metrics.csv", "incidents.csv"])
        self.assertEqual([("default", 2), ("none", 2)], self.ask(
            "select strategy, (select count(*) from runs) from runs order by strategy"))

    def test_two_processes_write_to_one_file(self):
        both = [self.start("one", "--runs", "15"), self.start("two", "--runs", "15", "--seed", "9")]
        for process in both:
            _, err = process.communicate(timeout=120)
            self.assertEqual(0, process.returncode, err)
        self.assert_sound()
        self.assertEqual([(2, 30)], self.ask(
            "select count(distinct run_id), count(*) from replications"))

    def test_a_disk_that_is_full_costs_74_and_no_result(self):
        self.assert_code(0, self.run_small("plain", None, "--runs", "10"))
        self.assert_code(0, self.run_db("first"))
        self.ask("create trigger full before insert on arms begin select "
                 "raise(abort, 'database or disk is full'); end")
        told = self.run_db("out", "--runs", "10")
        self.assert_code(74, told)
        self.assertEqual(1, told.err.count("--db"), told.err)
        self.assertIn("x.db: database or disk is full", told.err)
        self.assert_same_files(self.path("plain"), self.path("out"))

    def test_a_place_where_nothing_can_be_written_is_74_before_anything_runs(self):
        told = self.run_small("out", None, "--db", "/nonexistent/x.db")
        self.assert_code(74, told)
        self.assertIn("/nonexistent/x.db", told.err)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_a_file_of_somebody_else_is_left_alone(self):
        with open(self.path("x.db"), "wb") as f:
            f.write(b"dear diary\n" * 100)
        told = self.run_db()
        self.assert_code(74, told)
        with open(self.path("x.db"), "rb") as f:
            self.assertEqual(b"dear diary\n" * 100, f.read())

    def test_hostile_names_are_only_names(self):
        name = "x'); drop table runs; --\" \\ \u202e<b>"
        scenario = chaos.small(title=name)
        scenario["method"][0]["name"] = name
        self.write("small.json", scenario)
        self.assert_code(0, self.run_db("out", "--runs", "1"))
        self.assertEqual([(name,)], self.ask("select title from runs"))
        self.assertTrue(any(name in row[0] for row in self.ask(
            "select json_each.value from incidents, json_each(incidents.faults)")))

    def test_the_queries_of_the_documentation(self):
        self.assert_code(0, self.run_db("out", "--runs", "4"))
        self.assert_code(0, self.chaos(os.path.join(chaos.SCENARIOS, "latency.json"), "--runs", "1",
                                       "--no-plots", "--quiet", "--db", self.path("x.db")))
        with open(QUERIES, encoding="utf-8") as f:
            queries = re.findall(r"```sql\n(.*?)```", f.read(), re.S)
        self.assertGreaterEqual(len(queries), 9)
        for query in queries:
            rows = self.ask(query)
            if "from predictions" not in query:
                self.assertTrue(rows, query)
        self.assertEqual([("latency.json", "default"), ("small.json", "default")],
                         [row[:2] for row in self.ask(queries[0])])
        averted = {(row[0], row[1]): row[2] for row in self.ask(queries[3])}
        treated = self.ask("select run_id, replication, failed_requests from arms where arm = "
                           "'treated'")
        for run, replication, failed in treated:
            untreated = self.ask("select failed_requests from arms where arm = 'untreated' and "
                                 "run_id = ? and replication = ?", run, replication)[0][0]
            self.assertEqual(untreated - failed, averted[run, replication])

    def test_s2_26_top_actions_and_components_are_those_of_the_log(self):
        """24 hours and 7 days back from the end, counted from journal.jsonl by other code; then
        with rows moved to just within and just without, as a run of weeks would have them."""
        self.assert_code(0, self.chaos(
            os.path.join(chaos.SCENARIOS, "latency.json"), "--runs", "2", "--journal", "all",
            "--no-plots", "--quiet", "--out", self.path("out"), "--db", self.path("x.db")))
        with open(QUERIES, encoding="utf-8") as f:
            queries = re.findall(r"```sql\n(.*?)```", f.read(), re.S)
        top_actions = next(q for q in queries if "last 24 hours" in q)
        top_services = next(q for q in queries if "last 7 days" in q)
        taken = []
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            for line in map(json.loads, f):
                if line["type"] == "action_started" and line["arm"] == "treated":
                    if line["t"] >= 0 and not line["held_back"]:
                        taken.append((line["service"], line["action"]))
        self.assertGreater(len(taken), 3)

        def check(within_day, within_week):
            times = collections.Counter(action for _, action in within_day)
            self.assertEqual(sorted(times.items(), key=lambda row: (-row[1], row[0])),
                             self.ask(top_actions))
            touched = collections.Counter(service for service, _ in within_week)
            kinds = {service: len({a for s, a in within_week if s == service})
                     for service in touched}
            self.assertEqual(sorted(((s, n, kinds[s]) for s, n in touched.items()),
                                    key=lambda row: (-row[1], row[0])), self.ask(top_services))

        check(taken, taken)
        # Ten days long; its actions at the end but two: one 25 hours, one 8 days before it.
        rows = self.ask("select id, service, action from actions where arm = 'treated' and "
                        "not held_back and started >= 0 order by id")
        with sqlite3.connect(self.path("x.db")) as file:
            file.execute("update arms set ended = 864000")
            file.execute("update actions set started = 863000 where started >= 0")
            file.execute("update actions set started = 864000 - 25 * 3600 where id = ?", rows[0][:1])
            file.execute("update actions set started = 864000 - 192 * 3600 where id = ?",
                         rows[1][:1])
        pairs = [row[1:] for row in rows]
        check(pairs[2:], pairs[:1] + pairs[2:])

    def test_trends_over_all_runs(self):
        for seed in ("1", "2", "3"):
            self.assert_code(0, self.run_db("out" + seed, "--seed", seed))
        self.assert_code(0, self.run_db("none", "--strategy", "none"))
        told = self.chaos("report", "--db", self.path("x.db"), "--out", self.path("trends"),
                          "--no-plots")
        self.assert_code(0, told)
        with open(self.path("trends", "trends.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertEqual(2, page.count("<h2>"))
        self.assertIn("healer none</h2>", page)
        self.assertEqual(4, page.count(">run "))
        self.assert_code(2, self.chaos("report", "--db", self.path("missing.db")))
        self.assertFalse(os.path.exists(self.path("missing.db")))

    def somebody_else(self):
        """Becomes a user who may not write here, where this one is root and may do so anywhere."""
        if os.geteuid() != 0:
            return None

        def drop():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os.chmod(self.folder, 0o755)
        try:
            self.assert_code(0, self.chaos("--version", before=drop))
        except PermissionError:
            self.skipTest("nobody may not run the program here")
        return drop

    def trends(self, db, **how):
        return self.chaos("report", "--db", self.path(db), "--out", self.path("pages", "new"), "--no-plots", **how)

    def test_trends_ask_for_no_more_than_to_read(self):
        """A file, or a folder, that may only be read; in neither is anything left or changed."""
        self.assert_code(0, self.run_db())
        os.makedirs(self.path("pages"), 0o777)
        os.chmod(self.path("pages"), 0o777)
        self.assert_code(0, self.trends("x.db"))
        with open(self.path("pages", "new", "trends.html"), "rb") as f:
            wanted = f.read()
        drop = self.somebody_else()
        for folder, file, name in ((0o555, 0o444, "x.db"), (0o777, 0o444, "x.db"), (0o555, 0o644, "a?b#100%.db")):
            with self.subTest("%o %o" % (folder, file)):
                place = self.path("place")
                os.makedirs(place)
                shutil.copy(self.path("x.db"), os.path.join(place, name))
                os.chmod(os.path.join(place, name), file)
                os.chmod(place, folder)
                shutil.rmtree(self.path("pages", "new"))
                told = self.trends(os.path.join("place", name), before=drop)
                self.assert_code(0, told)
                self.assertEqual([name], os.listdir(place))
                with open(self.path("pages", "new", "trends.html"), "rb") as f:
                    self.assertEqual(wanted, f.read())
                with open(os.path.join(place, name), "rb") as f, open(self.path("x.db"), "rb") as g:
                    self.assertEqual(g.read(), f.read())
                if folder == 0o555:  # to make one is more, and what is missing is the leave to
                    told = self.chaos("small.json", "--db", "place/new.db", "--out", self.path("pages", "run"),
                                      before=drop)
                    self.assert_code(74, told)
                    self.assertEqual("chaos-run: --db: place/new.db: Permission denied\n", told.err)
                if file == 0o444:  # to go on with a run is more
                    told = self.chaos("small.json", "--db", os.path.join("place", name), "--resume", "--out",
                                      self.path("pages", "run"), before=drop)
                    self.assert_code(74, told)
                    self.assertEqual("chaos-run: --db: place/%s: it may be read only, and is to be written\n" % name,
                                     told.err)
                os.chmod(place, 0o755)
                shutil.rmtree(place)

    def test_trends_of_a_read_only_copy_taken_in_the_middle_of_a_run(self):
        """Its last writes are in the WAL beside it, which takes a place to be read: no half truth."""
        self.assert_code(0, self.run_db())
        os.makedirs(self.path("place"))
        os.makedirs(self.path("pages"), 0o777)
        os.chmod(self.path("pages"), 0o777)
        with sqlite3.connect(self.path("x.db")) as file:
            file.execute("update runs set title = 'changed'")
            file.commit()
            for end in ("", "-wal"):
                shutil.copy(self.path("x.db" + end), self.path("place", "x.db" + end))
        file.close()
        os.chmod(self.path("place"), 0o555)
        told = self.trends("place/x.db", before=self.somebody_else())
        self.assert_code(74, told)
        self.assertRegex(told.err, r"^chaos-run: .*x\.db: .*x\.db-wal.*\n$")
        os.chmod(self.path("place"), 0o755)
        self.assert_code(0, self.trends("place/x.db"))

    def test_trends_of_what_is_no_database_of_ours_say_so(self):
        self.assert_code(0, self.run_db())
        self.write("empty.db", "")
        self.write("diary.db", "dear diary\n" * 100)
        shutil.copy(self.path("x.db"), self.path("newer.db"))
        for name, sql in (("newer.db", "pragma user_version = 99"), ("other.db", "create table mine (x)")):
            self.ask(sql, db=name)
        os.mkfifo(self.path("pipe.db"))
        os.makedirs(self.path("folder.db"))
        for name, code, words in (("empty.db", 2, "no run in it has ended"), ("diary.db", 74, "file is not a database"),
                                  ("newer.db", 74, "made by a newer chaos-run"),
                                  ("other.db", 74, "a database of something else"),
                                  ("pipe.db", 74, "it is no ordinary file"),
                                  ("folder.db", 74, "it is a folder, not a file"),
                                  ("n" * 5000, 2, "File name too long")):
            with self.subTest(name[:9]):
                told = self.trends(name, within_s=20)
                self.assert_code(code, told)
                self.assertEqual(1, told.err.count("\n"))
                self.assertIn(words, told.err)
        self.assertEqual(0, os.path.getsize(self.path("empty.db")))
        self.assertEqual([], [name for name in os.listdir(self.folder) if name.endswith(("-wal", "-shm", "-journal"))])

    def test_a_reader_does_not_wait_for_whoever_writes(self):
        self.assert_code(0, self.run_db())
        with sqlite3.connect(self.path("x.db"), isolation_level=None) as file:
            file.execute("begin immediate")
            file.execute("update runs set title = 'changed'")
            self.assert_code(0, self.trends("x.db", within_s=15))
        file.close()

    def test_a_database_that_stays_locked_is_said_to_be(self):
        """After the 20 s, which pass a hundred times as fast here."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        self.assert_code(0, self.run_db())
        with sqlite3.connect(self.path("x.db"), isolation_level=None) as file:
            file.execute("pragma locking_mode = exclusive")
            file.execute("begin exclusive")
            file.execute("update runs set title = 'changed'")
            wrap = ["env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1", "FAKETIME=+0 x100"]
            for told in (self.trends("x.db", wrap=wrap), self.run_db("other", wrap=wrap)):
                self.assert_code(74, told)
                self.assertIn("another process keeps it locked", told.err)
            self.assertFalse(os.path.exists(self.path("other")))
        file.close()

    def test_what_cannot_be_a_database_is_said_before_anything_runs(self):
        """Neither is it changed. (Devices are left to the unit tests: this may be root.)"""
        os.mkfifo(self.path("pipe"))
        os.makedirs(self.path("folder"))
        os.symlink("loop", self.path("loop"))
        self.write("diary", "dear diary")
        os.symlink("diary", self.path("link"))
        for name, words in (("pipe", "no ordinary file"), ("folder", "a folder"), ("loop", "symbolic links"),
                            ("link", "not a database"), ("", "it has no name"), ("n" * 5000, "File name too long"),
                            ("diary/x", "Not a directory"), ("no\nwhere/x", "no?where/x: No such file")):
            with self.subTest(name[:9]):
                for more in ([], ["--resume"]):
                    told = self.run_small("out", None, "--db", name, *more, within_s=20)
                    self.assert_code(74, told)
                    self.assertEqual(1, told.err.count("\n"), told.err)
                    self.assertIn(words, told.err)
                    self.assertFalse(os.path.exists(self.path("out")))
        with open(self.path("diary"), encoding="utf-8") as f:
            self.assertEqual("dear diary", f.read())

    def test_resume_alone_is_refused(self):
        told = self.run_small("out", None, "--resume")
        self.assert_code(2, told)
        self.assertIn("--db", told.err)
