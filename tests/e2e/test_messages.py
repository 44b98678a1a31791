"""What a user or the machine can get wrong and no other test gets wrong, told with its exit code.

Tables: what is called or written, the exit code, words of the message. Which messages no test
reaches: `./dev coverage --messages`; those that stay are listed in tests/README.md.
"""
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

import chaos

BYTES = "\udcff"  # no UTF-8, as an argument has it

# Options and words. {x} is a file of setUpClass; what is not there yet is given with its content.
CALLS = [
    (2, "unknown option '-Z'", ["-Z", "{small}"]),
    (2, "is neither pass nor fail", ["{small}", "--inconclusive", "perhaps"]),
    (2, "does not hold what --floor needs", ["{small}", "--db", "y.db", "--resume", "--floor"]),
    (2, "does not hold what --attribute needs", ["{small}", "--db", "y.db", "--resume", "--attribute"]),
    (2, "is not UTF-8", ["validate", "{small}", "--set", "title=" + BYTES]),
    (2, "words: not UTF-8", ["validate", "{words}", "--var", "words=" + BYTES]),
    (74, "file: ", ["{small}", "{words}", "--out", "{file}"]),
    (2, "--format: ", ["ab", "{small}", "--a", "none", "--b", "default", "--format", "papyrus"]),
    (74, "cannot use the folder", ["ab", "{small}", "--a", "none", "--b", "default", "--out", "{file}"]),
    (2, "no better side", ["ab", "{undecided}", "--a", "none", "--b", "default", "--out", "ab"]),
    (2, "one strategy is wanted, not 2", ["healer", "default", "none"]),
    (74, "No such file or directory", ["init", "nowhere/x"]),
    (74, "Not a directory", ["init", "{file}/x"]),
    (2, "one name for one scenario", ["init", "a", "b"]),
    (0, "no scenario in there", ["list", "scenarios", "{empty}"]),
    (2, "No such file or directory", ["list", "scenarios", "nowhere"]),
    (2, "its url or token cannot be used", ["{told}", "--notify", "--out", "told"]),
    (2, "which telemetry?", ["replay"]),
    (2, "one strategy is wanted, not 2", ["replay", "{cpu}", "--strategy", "default", "--strategy", "none"]),
    (2, "no *.csv file in it", ["replay", "{empty}"]),
    (2, "two files of this name were given", ["replay", "{cpu}", "{cpu}", "--scores", "scores"]),
    (2, "one method at a time", ["stats", "wilson", "mean_t"]),
    (2, "standard input:1:", ["stats", "wilson"]),
    (2, "stats: ", ["stats", "wilson", "<", '{"successes": 5}']),
    (2, "stats: ", ["stats", "nonsense", "<", "{}"]),
    (2, "on which scenarios, and into which file?", ["train", "{small}"]),
    (2, "nothing to learn", ["train", "{small}", "--strategy", "none", "--out", "state.json"]),
    (2, "a curve has at most", ["train", *["{small}"] * 40, "--curve", "curve", "--out", "state.json"]),
    (2, "is graded on that seed", ["train", "{small}", "--runs", "1", "--seed", "7", "--curve", "curve",
                                   "--out", "state.json"]),
    (74, "cannot create the folder", ["train", "{small}", "--runs", "1", "--set", "replications=1", "--curve",
                                      "{file}", "--out", "state.json"]),
    (74, "state.json", ["train", "{small}", "--runs", "1", "--out", "{file}/state.json"]),
    (2, "results or --db, not both", ["report", "{run}", "--db", "{db}"]),
    (2, "no run in it has ended", ["report", "--db", "{unended}"]),
    (74, "made by a newer chaos-run", ["report", "--db", "{newer}"]),
    (74, "cannot create the folder", ["report", "--db", "{db}", "--out", "{file}"]),
    (2, "is no time like", ["report", "{run}", "--from", "soon", "--out", "part"]),
    (2, "want --out DIR", ["report", "{run}", "--from", "1m"]),
    (2, "--to is not after --from", ["report", "{run}", "--from", "2m", "--to", "1m", "--out", "part"]),
    (2, "no analytics can be made", ["report", "{bare}", "--to", "1m", "--out", "part"]),
    (2, "--format: ", ["report", "{run}", "--format", "papyrus"]),
    (74, "cannot use the folder", ["report", "{run}", "--out", "{file}"]),
    (74, "cannot create the folder", ["report", "{run}", "{run}", "--out", "{file}"]),
    (2, "cannot read", ["report", "{run}", "nowhere", "--out", "trends"]),
    (2, "the first line should be", ["report", "{headless}"]),
    (0, "cannot be started", ["report", "{run}", "--out", "no-plots"]),
    (0, "cannot be started", ["report", "{run}", "{run}", "--out", "no-plots-either"]),
    (0, "cannot be started", ["{small}", "--out", "no-plots-of-a-run"]),
    (7, "cannot be started", ["ab", "{small}", "--a", "none", "--b", "default", "--runs", "2", "--out", "no-plots-ab"]),
    (74, "report.html: cannot write: there is a folder", ["ab", "{small}", "--a", "none", "--b", "default", "--runs", "2", "--no-plots",
                                        "--out", "{spoilt}/ab"]),
    (74, "campaign.csv: is there already, and not of", ["{small}", "{words}", "--no-plots", "--out", "{spoilt}/many"]),
    (74, "comparison.json: cannot write: there is a folder", ["ab", "{small}", "{words}", "--a", "none", "--b", "default", "--runs", "2",
                                            "--no-plots", "--out", "{spoilt}/board"]),
    (0, "virtual s in ", ["{small}", "--verbose", "--no-plots", "--out", "verbose"]),
]


def entries(count):
    return [dict(chaos.SMALL["method"][1], name="e%d" % i, at="1m") for i in range(count)]


def levels(*rows, **more):
    whole = {"name": "WHOLE", "capacity": 1, "usage": 0, "timeout": 1, "quality": 1}
    low = dict(whole, name="LOW", capacity=0.9, usage=0.9, timeout=0.9, quality=0.9)
    return {"extends": "default", "degradation": dict({"levels": [dict(whole, **row) for row in rows] or [whole, low]},
                                                      **more)}


def healer(**keys):
    return {"healer": dict({"extends": "default"}, **keys)}


def service(**keys):
    fleet = json.loads(json.dumps(chaos.SMALL["fleet"]))
    fleet["services"][0].update(keys)
    return {"fleet": fleet}


LEAK = {"fault": "memory_leak", "at": "1m", "duration": "1m", "target": {"service": "bank", "instances": "one"}}
RULE = {"metric": "error_rate", "operator": ">", "value": 0.5, "level": "LOW"}
PROBE = {"metric": "availability", "tolerance": ">= 1%"}

# Changes to the small world, and what is said of them.
SCENARIOS = [
    ("method[0].after: an entry has one of", {"method": [{"probe": PROBE, "at": "1m", "after": "x"}]}),
    ("method[0].serial[0].after: inside a group", {"method": [{"serial": [
        {"probe": PROBE, "after": "x"}], "at": "1m"}]}),
    ("method[0].after: a group has one of", {"method": [{"serial": entries(1), "at": "1m", "after": "x"}]}),
    ("method[0].serial[0].after: inside a group", {"method": [{"serial": [
        {"parallel": entries(1), "after": "x"}], "at": "1m"}]}),
    ("method: more than", {"method": entries(10001)}),
    ("all groups and choices", {"method": [{"serial": entries(5001), "at": "1m"}] * 2}),
    ("more than", {"tags": ["t%d" % i for i in range(10001)]}),
    ("values allowed", service(service_time={"dist": "empirical", "file": "many.txt"})),
    ("instances in all, above the", {"fleet": dict(chaos.SMALL["fleet"], services=[
        dict(chaos.SMALL["fleet"]["services"][1], name="s%d" % i, instances=10000) for i in range(11)])}),
    ("when: 1 to", healer(recovery={"rules": [{"name": "r", "when": "x" * 3000, "do": "restart_service"}]})),
    ("the levels of its base name other features", {"healer": {"extends": "off.json", "degradation": {
        "features": [{"name": "g"}]}}}),
    ("rules and conditions allowed", {"healer": levels(rules=[
        {"level": "LOW", "all": [{k: RULE[k] for k in RULE if k != "level"}] * 4} for _ in range(6)])}),
    ("has too many digits", {"duration": "9" * 60 + "s"}),
    ("too large", {"method": [dict(LEAK, arguments={"rate": "9999999TiB/s"})]}),
    ("no time for it", {"evaluation": {"replay_trigger": True}}),
    ("too long once its gaps are filled", {"load": [{"to": "shop", "file": "gap.csv", "per": "1s", "process": "trace"}]}),
    ("has no values", service(service_time={"dist": "empirical", "file": "none.txt"})),
    ("a line longer than 254 bytes", {"load": [{"to": "shop", "file": "wide.csv", "process": "trace"}]}),
    ("3 entries wait for events", {"safety": {"max_concurrent_faults": 1}, "method": [
        {"fault": "crash", "target": {"service": "bank", "instances": "one"}, "when": {"event": "alarm"},
         "name": "x%d" % i} for i in range(3)]}),
    ("levels: 2 to", {"healer": levels({"name": "WHOLE"})}),
    ("name: a name has 1 to 31 bytes", {"healer": levels({"name": "x" * 32}, {"name": "x"})}),
    ("a second feature named 'f'", {"healer": levels(features=[{"name": "f", "off_at": "LOW"}] * 2)}),
    ("either all or any", {"healer": levels(rules=[dict(level="LOW", all=[RULE], any=[RULE])])}),
    ("more than the", {"healer": levels(rules=[dict(RULE, name="r%d" % i) for i in range(17)])}),
    ("circuit_breaker.edges: ", healer(circuit_breaker={"edges": []})),
    ("more than the 256 rules", healer(retry={"edges": {
        "shop->%d" % i: {"max": 1} for i in range(300)}})),
    ("has too many digits", {"duration": "1.%0200ds" % 1}),
    ("too long a text once its variables", {"configuration": {"w": "x" * 100000}, "description": "${w}" * 11}),
    ("files extend one another", {"healer": "deep0.json"}),
]

# A healer's lines that are wrong: which one of a conversation, what is changed, what is said.
HELLOS = [
    ("digits are wanted", lambda hello: hello.update(seed="-7x")),
    ("edges of load sources come last", lambda hello: hello["topology"]["edges"].reverse()),
]
WAKES = [
    ("no action named 'heal'", {"results": [{"id": 1, "action": "heal", "finished": 1, "ok": True}]}),
    ("no edge named 'a->b'", {"breakers": ["a->b"]}),
]
# What a healer answers that it may not.
ANSWERS = [
    ("a name", {"next_wake": 1e9, "alarms": [{"type": "cpu", "service": 3}]}),
    ("longer than", {"next_wake": 1e9, "escalations": [{"type": "x", "context": "x" * 9000}]}),
    ("an action's name", {"next_wake": 1e9, "actions": [{"id": 1, "action": 7}]}),
    ("a feature that is to be off, too", {"next_wake": 1e9, "actions": [
        {"id": 1, "action": "set_degradation", "service": "shop", "settings": {"off": ["f"], "on": ["f"]}}]}),
    ("an object of edges", {"next_wake": 1e9, "policies": []}),
]


class Messages(chaos.Case):
    def prepare(self):
        """The files that the tables name."""
        self.names = {}
        small = chaos.small(replications=1)
        for name, content in (
                ("small", small), ("words", dict(small, configuration={"words": "w"}, description="${words}")),
                ("undecided", dict(small, analysis={"primary": "actions"})), ("file", "x"),
                ("told", dict(small, healer={"extends": "default", "escalation": {"channels": [
                    {"name": "c", "kind": "chat", "url": "env:CHAT_URL"}]}})),
                ("cpu", "timestamp,value\n2024-01-01 00:00:00,1\n")):
            self.names[name] = self.write(name + (".csv" if name == "cpu" else ".json" if name != "file" else ""),
                                          content)
        self.names["empty"] = self.path("empty")
        os.mkdir(self.path("empty"))
        self.names["spoilt"] = self.path("spoilt")
        for name in ("ab/report.html", "many/campaign.csv", "board/comparison.json"):
            os.makedirs(self.path("spoilt", name))
        self.assert_code(0, self.run_small("run", small, "--db", self.path("x.db")))
        for name in ("ab", "many", "board"):  # as if a run of ours had been there
            shutil.copy(self.path("run", "result.json"), self.path("spoilt", name, "result.json"))
        self.names.update(run=self.path("run"), db=self.path("x.db"))
        for name, sql in (("unended", "update runs set state = 'running', outcome = null, exit_code = null"),
                          ("newer", "pragma user_version = 999")):
            self.names[name] = self.path(name + ".db")
            shutil.copy(self.path("x.db"), self.names[name])
            with sqlite3.connect(self.names[name]) as file:
                file.execute(sql)
            file.close()
        for name in ("bare", "headless"):
            self.names[name] = self.path(name)
            shutil.copytree(self.path("run"), self.names[name])
        self.write("bare/result.json", dict(self.result("run"), services=None, arms={}))
        self.write("headless/series.csv", "a,b\n1,2\n")

    def call(self, args):
        given, args = ("", args) if "<" not in args else (args[-1], args[:-2])
        args = [arg.format(**self.names) for arg in args]
        wrap = ()
        if given:
            wrap = ["sh", "-c", 'exec "$@" <"$0"', self.write("given", given)]
        # Without gnuplot, which few of them would get as far as.
        return self.chaos(*args, wrap=wrap, env={"PATH": self.path("bin") if not given else "/usr/bin:/bin",
                                                  "CHAT_URL": "gopher://x"})

    def test_what_is_called_for(self):
        self.prepare()
        for code, words, args in CALLS:
            with self.subTest(" ".join(args[:4])):
                told = self.call(args)
                self.assertIn(words, told.err, "\n%s" % told)
                self.assert_code(code, told)

    def test_what_is_written_in_a_scenario(self):
        self.write("none.txt", "\n\n")
        self.write("many.txt", "1ms\n" * 100001)
        self.write("gap.csv", "timestamp,value\n" + "".join("%s 00:00:0%d,1\n" % (day, second) for day in (
            "1971-01-01", "2020-01-01") for second in range(3)))
        off = levels(features=[{"name": "f"}])
        off["degradation"]["levels"][1]["off"] = ["f"]
        self.write("off.json", off)
        self.write("wide.csv", "timestamp,value\n" + "1" * 300 + "\n")
        for i in range(20):
            self.write("deep%d.json" % i, {"extends": "deep%d.json" % (i + 1)})
        for words, change in SCENARIOS:
            with self.subTest(words):
                told = self.chaos("validate", self.write("wrong.json", chaos.small(**change)))
                self.assertIn(words, told.err, "\n%s" % told)
                self.assert_code(2, told)

    def test_what_was_there_before(self):
        """A comparison that was made is told again; one whose result is spoilt is made again."""
        self.write("small.json", chaos.small(replications=1))
        args = ["ab", "small.json", "--a", "none", "--b", "default", "--runs", "2", "--db", "x.db", "--out", "ab",
                "--no-plots", "--resume", "--verbose"]
        first = self.chaos(*args)
        self.assertIn("virtual s in", first.err)
        again = self.chaos(*args)
        self.assertIn("was compared before", again.err)
        self.assertEqual(first.code, again.code)
        self.write("ab/result.json", "{")
        self.assertEqual(first.code, self.chaos(*args).code)
        self.assertEqual(first.code, self.result("ab")["exit_code"])

    def lines(self):
        """What a healer is told in a run of the small world."""
        tee = self.write("tee", "#!/bin/sh\ntee -a '%s' | '%s' healer\n" % (self.path("lines"), chaos.program()))
        os.chmod(tee, 0o755)
        self.assert_code(0, self.run_small("told", chaos.small(replications=1), "--strategy", "exec:" + tee))
        with open(self.path("lines"), encoding="utf-8") as f:
            return [json.loads(line) for line in f][:2]

    def test_what_a_healer_is_told_and_answers(self):
        hello, wake = self.lines()
        for words, change in HELLOS:
            wrong = json.loads(json.dumps(hello))
            change(wrong)
            self.speak(words, [wrong])
        for words, change in WAKES:
            self.speak(words, [hello, dict(wake, **change)])
        for words, answer in ANSWERS:
            with self.subTest(words):
                fake = self.write("fake", "#!/bin/sh\nread hello\nread wake\necho '%s'\ncat >/dev/null\n" %
                                  json.dumps(answer))
                os.chmod(fake, 0o755)
                told = self.run_small("out", chaos.small(replications=1, **service(features=[{"name": "f"}])),
                                      "--strategy", "exec:" + fake)
                self.assertIn(words, told.out + told.err + json.dumps(self.result()), "\n%s" % told)

    def speak(self, words, lines):
        with self.subTest(words):
            given = self.write("given", "".join(json.dumps(line) + "\n" for line in lines))
            told = self.chaos("healer", wrap=["sh", "-c", 'exec "$@" <"$0"', given])
            self.assertIn(words, told.err)
            self.assert_code(2, told)

    def test_a_line_that_is_cut_off_is_no_wrong_word(self):
        """Of a healer whose stdin cannot be read, or stdout not written: 74."""
        hello, wake = self.lines()
        given = self.write("given", "".join(json.dumps(line) + "\n" for line in (hello, wake)))
        told = self.chaos("healer", wrap=["sh", "-c", 'exec "$@" <"$0" >/dev/full', given])
        self.assert_code(74, told)
        self.assertIn("cannot answer: No space left", told.err)
        told = self.chaos("healer", wrap=["sh", "-c", 'exec "$@" <"$0"', self.folder])
        self.assert_code(74, told)
        self.assertIn("cannot read: Is a directory", told.err)

    def interrupted(self, *args):
        """A command of the small world, ended when the database holds a replication: it does
        after a second, by when a quick machine has 30 of them. On a busy one it may be through
        before that is seen; then once more."""
        for _ in range(5):
            if self.interrupted_once(*args) == 130:
                return
            os.unlink(self.path("x.db"))
        self.fail("it ended before it could be interrupted")

    def interrupted_once(self, *args):
        with subprocess.Popen([chaos.program(), *args], cwd=self.folder, env=chaos.environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            until = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < until and not self.held():
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        return process.returncode

    def held(self):
        try:
            with sqlite3.connect("file:x.db?mode=ro".replace("x.db", self.path("x.db")), uri=True) as file:
                return file.execute("select count(distinct replication) from replications").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def test_a_comparison_goes_on_where_it_was_interrupted(self):
        self.write("small.json", chaos.small(replications=1))
        args = ["ab", "small.json", "--a", "none", "--b", "default", "--runs", "60", "--no-plots", "--jobs", "1"]
        self.interrupted(*args, "--db", "x.db", "--out", "ab")
        held = self.held()
        told = self.chaos(*args, "--db", "x.db", "--out", "ab", "--resume")
        self.assertIn("going on after %d replications" % held, told.err)
        self.assertEqual(told.code, self.chaos(*args, "--out", "whole").code)
        self.assert_same_files("ab", "whole", ["result.json"])

    def test_a_record_that_is_spoilt_is_run_again(self):
        path = self.write("small.json", chaos.small(replications=1))
        args = [path, "--runs", "60", "--no-plots", "--jobs", "1"]
        self.interrupted(*args, "--db", "x.db", "--out", "out")
        with sqlite3.connect(self.path("x.db")) as file:
            file.execute("update replications set record = x'00' where replication = 0")
        file.close()
        told = self.chaos(*args, "--db", "x.db", "--out", "out", "--resume")
        self.assertIn("replication 0 cannot be read back: it is run again", told.err)
        self.assert_code(0, self.chaos(*args, "--out", "whole"))
        self.assert_same_files("out", "whole", ["result.json", "metrics.csv"])

    def test_a_disk_that_is_full_for_what_is_written_beside_a_run(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        told = self.chaos("init", "new", before=limit, env=chaos.COUNT_ELSEWHERE)
        self.assert_code(74, told)
        self.assertIn("init: new.json: File too large", told.err)
        self.assertFalse(os.path.exists(self.path("new.json")))
        self.write("cpu.csv", "timestamp,value\n" + "".join(
            "2024-01-01 %02d:%02d:00,1\n" % (i // 60, i % 60) for i in range(1000)))
        told = self.chaos("replay", "cpu.csv", "--scores", "scores.csv", before=limit, env=chaos.COUNT_ELSEWHERE)
        self.assert_code(74, told)
        self.assertIn("File too large", told.err)
        self.assertFalse(os.path.exists(self.path("scores.csv")))

    def test_progress_on_a_terminal_is_a_line_that_is_drawn_over(self):
        master, slave = os.openpty()
        with subprocess.Popen([chaos.program(), self.write("small.json", chaos.SMALL), "--runs", "12", "--no-plots",
                               "--out", self.path("out"), "--jobs", "1"], env=chaos.environment(),
                              stdout=subprocess.DEVNULL, stderr=slave) as process:
            os.close(slave)
            seen = b""
            try:
                while True:
                    seen += os.read(master, 65536)
            except OSError:  # its other end is closed
                pass
        os.close(master)
        self.assertEqual(0, process.returncode)
        self.assertRegex(seen.decode(), r"\r.*\[#*\.*\] \d+/12 .* s left")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:])
