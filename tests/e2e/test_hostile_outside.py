"""Text that comes from elsewhere than a scenario stays text, too: names of files, arguments, variables of
the environment, telemetry, programs as healers, results and databases made by hand, models, files of other
tools, gnuplot's own words. Wherever it is shown: no command to a terminal, no markup, no formula, no mention.
"""
import csv
import http.server
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

import chaos
import hostile
from hostile import CONTROLS, FORMATS, HOSTILE

# A name of a file that is text, and one that is none.
NAMES = {"text": (HOSTILE["terminal"] + HOSTILE["html"] + HOSTILE["bidi"] + "=x'$(touch owned)").replace("/", ""),
         "bytes": b"a\xff\x9b31m\xe2\x80\x1b[2J\r=\xed\xa0\x80"}
SHORT = chaos.small(replications=1, duration="2m", warmup="1m", method=chaos.SMALL["method"][:1])


class Outside(hostile.Checks):
    def outside(self, *args, **how):
        """Told plainly, whatever it says; a crash is no answer, and nor is memory that did not run out."""
        told = self.chaos(*args, **how)
        self.assert_plain(told, args)
        self.assertIn(told.code, (0, 1, 2, 3, 4, 6, 7, 74), "\n%s" % told)
        return told


class Names(Outside):
    def at(self, name, *more):
        """A path in our folder, of bytes if the name is of bytes."""
        as_bytes = [part.encode() if isinstance(part, str) else part for part in (self.folder, name) + more]
        path = os.path.join(*as_bytes)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def put(self, name, content):
        path = self.at(name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def test_of_files_and_folders(self):
        for name in NAMES.values():
            as_bytes = name.encode() if isinstance(name, str) else name
            scenario = self.put(as_bytes + b".json", SHORT)
            strategy = self.put(as_bytes + b"s.json", {"extends": "default"})
            self.put(as_bytes + b"d/" + as_bytes + b".json", SHORT)
            self.put(as_bytes + b"d/b.json", dict(SHORT, fleet=7))
            folder, out, db = (self.at(as_bytes + end) for end in (b"d", b"o", b".db"))
            both = lambda told, wanted: self.assert_code(wanted, told)  # noqa: E731
            both(self.outside("validate", scenario), 0)
            both(self.outside("plan", scenario), 0)
            planned = self.outside("plan", scenario, "--json")
            both(planned, 0)
            self.assertEqual("a small shop", json.loads(planned.out)["title"])
            for args in ([scenario, "--no-plots", "--out", out, "--db", db, "--format", FORMATS],
                         [scenario, "--no-plots", "--out", out, "--verbose", "--live", "--format", "json"],
                         [scenario, "--no-plots", "--out", out, "--verbose", "--log-json", "--format", "json"],
                         ["explain", out], ["report", out, "--no-plots"],
                         ["report", "--db", db, "--out", self.at(as_bytes + b"t"), "--no-plots"],
                         ["report", out, out, "--out", self.at(as_bytes + b"u"), "--no-plots"],
                         ["list", "scenarios", folder], ["list", "scenarios", folder, "--json"],
                         ["init", self.at(as_bytes + b"i")], ["import", scenario],
                         ["train", scenario, "--runs", "1", "--out", self.at(as_bytes + b"m.json"),
                          "--curve", self.at(as_bytes + b"c")]):
                with self.subTest(args[0]):
                    both(self.outside(*args, within_s=60), 0)
            with open(os.path.join(out, b"result.json"), encoding="utf-8") as f:
                self.assertEqual("a small shop", json.load(f)["scenario"]["title"])
            both(self.outside(folder, "--no-plots", "--out", self.at(as_bytes + b"e"), "--format", "json,html"), 2)
            both(self.outside("ab", scenario, "--a", "default", "--b", "none", "--runs", "1", "--no-plots",
                              "--out", self.at(as_bytes + b"ab")), 7)
            # What a file of JSON cannot say is refused, not left out.
            wanted = 0 if isinstance(name, str) else 2
            both(self.outside(scenario, "--no-plots", "--quiet", "--strategy", strategy, "--out", out), wanted)
            both(self.outside("healer", strategy), 0)
            self.check_files_below(self.folder.encode())
        self.assert_nothing_was_carried_out()

    def check_files_below(self, folder):
        for at, _, names in os.walk(folder):
            for name in names:
                if name.endswith((b".db", b".db-wal", b".db-shm")):
                    continue
                with open(os.path.join(at, name), "rb") as f:
                    content = f.read().decode("utf-8")
                self.assertNotRegex(content, CONTROLS, name)
                if name.endswith(b".csv"):
                    for row in csv.reader(content.splitlines()):
                        for field in row:
                            if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                                float(field)
                if name.endswith((b".html", b".md")):
                    self.assertNotRegex(content, r"<img src=x|<script>alert")

    def test_of_arguments(self):
        """Wherever one may stand, with a scenario that is well or without one."""
        scenario = self.write("small.json", SHORT)
        options = set(re.findall(r"--[a-z-]+", self.chaos("--help").out))
        self.assertGreater(len(options), 25)
        for name in NAMES.values():
            as_bytes = name.encode() if isinstance(name, str) else name
            for option in sorted(options - {"--help", "--version"}):
                for value in [as_bytes] + [b"a=" + as_bytes, as_bytes + b"=1"] * (option in ("--var", "--set")):
                    with self.subTest("%s %r" % (option, value[:40])):
                        self.outside(scenario, "--quiet", "--no-plots", "--format", "json", "--out", self.path("out"),
                                     option, value, within_s=30)
            for args in ([as_bytes], ["--" + HOSTILE["terminal"]], ["list", as_bytes], ["stats", as_bytes],
                         ["healer", as_bytes], ["explain", as_bytes], ["replay", as_bytes], ["import", as_bytes],
                         ["report", as_bytes], ["ab", scenario, "--a", as_bytes, "--b", as_bytes],
                         ["explain", self.path("out"), "--incident", as_bytes]):
                with self.subTest(args[0]):
                    self.assertIn(self.outside(*args).code, (2, 74))
        self.assert_nothing_was_carried_out()

    def test_of_variables_of_the_environment(self):
        scenario = self.write("small.json", dict(SHORT, healer={"extends": "default", "escalation": {"channels": [
            {"name": "c", "kind": "chat", "url": "env:CHAT_URL", "token": "env:CHAT_TOKEN"}]}}))
        words = set(re.findall(r"HEAL_[A-Z_]+", self.chaos("--help").out)) - {"HEAL_"}
        self.assertGreater(len(words), 5)
        for text in (HOSTILE["terminal"] + HOSTILE["shell"], "9" * 4000):
            for word in sorted(words):
                with self.subTest(word):
                    self.assert_code(2, self.outside(scenario, "--env", "--quiet", "--no-plots", env={word: text}))
            every = {word: text for word in ("TERM", "COLUMNS", "LANG", "LC_ALL", "TZ", "HOME", "NO_COLOR", "IFS", "ENV",
                                             "GNUTERM", "GNUPLOT_LIB", "GNUPLOT_DRIVER_DIR", "GNUPLOT_FONTPATH")}
            told = self.outside(scenario, "--quiet", "--format", "json,html,svg", "--out", self.path("out"), env=every)
            self.assert_code(0, told)
            for url, token in ((text, "x"), ("http://127.0.0.1:1/" + text, "x"), ("http://127.0.0.1:1/", text)):
                told = self.outside(scenario, "--quiet", "--no-plots", "--notify", "--out", self.path("out"),
                                    env={"CHAT_URL": url, "CHAT_TOKEN": token})
                self.assertIn(told.code, (0, 2) if "\x1b" not in text else (2,), "\n%s" % told)
                self.assertNotIn(text, told.err)
            self.assert_code(2, self.outside(scenario, env={"CHAOS_RUN_OFF": text}))
        self.assert_nothing_was_carried_out()


class Telemetry(Outside):
    def rows(self, name):
        """A series that jumps, so that there are alarms to be told."""
        lines = [b"timestamp,component,metric,value"]
        for i in range(400):
            lines.append(b"2024-01-01 %02d:%02d:00,%s,%s,%d" % (i // 60, i % 60, name, name, 900 if 300 <= i < 306 else i % 7))
        return b"\n".join(lines) + b"\n"

    def quoted(self, text):
        return b'"' + text.replace(b'"', b'""') + b'"'

    def test_of_rows_files_and_labels(self):
        texts = [text.encode() for text in HOSTILE.values() if "\n" not in text]  # a row is a line
        texts += [NAMES["bytes"], b"=" * 300, b"\xe2\x82"]
        for text in texts:
            with self.subTest(text[:40]):
                path = self.write("t.csv", self.rows(self.quoted(text)))
                labels = self.write("labels.json", {"t.csv": [["2024-01-01 05:00:00", "2024-01-01 05:06:00"]],
                                                    text.decode(errors="replace"): []})
                shutil.rmtree(self.path("scores"), True)
                os.makedirs(self.path("scores"))
                told = self.outside("replay", path, "--labels", labels, "--scores", self.path("scores"))
                self.assertIn(told.code, (0, 2), "\n%s" % told)
                told = self.outside("replay", path, "--json", "--labels", labels)
                self.assertIn(told.code, (0, 2))
                if told.code == 0:
                    self.assertGreater(len(json.loads(told.out)["files"][0]["alarms"]), 0)
                self.outside("replay", path, "--metric", text)
                for name in self.files_below(self.path("scores")):
                    with open(self.path("scores", name), "rb") as f:
                        content = f.read().decode("utf-8")
                    self.assertNotRegex(content.replace("\r\n", "\n"), CONTROLS)
                    for row in csv.reader(content.splitlines()):
                        for field in row:
                            if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                                float(field)
                # What is wrong is told with the words that are.
                self.outside("replay", self.write("w.csv", b"timestamp," + text + b"\n" + text + b",1\n"))
                self.outside("replay", path, "--labels", self.write("wrong.json", b'{"' + text + b'": [["' + text + b'", 1]]}'))
        self.assert_nothing_was_carried_out()


# Answers with a hostile text for each string of the protocol that is free, then whatever it was told to.
HEALER = r'''
import json, sys
plan = json.load(open(sys.argv[1], encoding="utf-8"))
hello = json.loads(sys.stdin.readline())
service = hello["topology"]["services"][0]["name"]
turn = 0
for line in sys.stdin:
    now = json.loads(line)["t"]
    answer = {"next_wake": now + 5}
    if "last" in plan and turn == 3:
        sys.stdout.buffer.write(plan["last"].encode("utf-8", "surrogateescape") + b"\n")
        sys.stdout.buffer.flush()
        continue
    text = plan["texts"][turn % len(plan["texts"])]
    for key, fields in plan["lists"].items():
        one = dict({field: text for field in fields}, episode=turn + 1, service=service)
        if key == "episodes":
            one["state"] = "opened"
        answer.setdefault(key, []).append(one)
    turn += 1
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
'''


class Healers(Outside):
    def lists(self):
        """The free strings of an answer, by the protocol's own schema: {list: [field]}."""
        with open(os.path.join(chaos.ROOT, "harness", "run", "healer-protocol.schema.json"), encoding="utf-8") as f:
            answer = json.load(f)["$defs"]["answer"]["properties"]
        named = {"service", "instance", "edge", "action"}  # these must be names of the fleet
        found = {}
        for key, part in answer.items():
            fields = part.get("items", {}).get("properties", {})
            free = [name for name, field in fields.items()
                    if field.get("type") == "string" and "enum" not in field and name not in named]
            if free and key != "actions":
                found[key] = free
        self.assertGreater(sum(map(len, found.values())), 10)
        return found

    def graded(self, out, plan, *more):
        self.write("healer.py", HEALER)
        self.write(out + "-plan.json", plan)
        return self.outside(self.write(out + ".json", SHORT), "--quiet", "--journal", "all", "--out", self.path(out),
                            "--strategy", "exec:%s healer.py %s-plan.json" % (sys.executable, out), *more)

    def test_what_they_say_of_themselves(self):
        texts = [text.encode()[:63].decode(errors="ignore") for text in HOSTILE.values()]
        lists = self.lists()
        for out, said in (("friendly", ["word"] * len(texts)), ("hostile", texts)):
            told = self.graded(out, {"texts": said, "lists": lists}, "--format", FORMATS, "--db", self.path(out + ".db"))
            self.assertIn(told.code, (0, 1, 4), "\n%s" % told)
            self.assertEqual(0, self.result(out)["healer"]["failures"], told)
        self.check_all()
        self.assert_plain(self.chaos("explain", self.path("hostile")))
        with open(self.path("hostile", "journal.jsonl"), encoding="utf-8") as f:
            said = {value for line in f for value in json.loads(line).values() if isinstance(value, str)}
        self.assertIn(HOSTILE["formula"], said)  # it has come through, as text

    def test_what_is_wrong_with_an_answer(self):
        every = HOSTILE["terminal"] + HOSTILE["html"] + HOSTILE["bidi"]
        answers = {
            "a key": {"next_wake": 1, every: 1}, "an action": {"next_wake": 1, "actions": [{"action": every, "id": 1}]},
            "a service": {"next_wake": 1, "alarms": [{"type": "x", "service": every}]},
            "an instance": {"next_wake": 1, "alarms": [{"type": "x", "instance": every}]},
            "a policy": {"next_wake": 1, "policies": {every: {}}},
            "a choice": {"next_wake": 1, "episodes": [{"state": every, "episode": 1}]},
            "a text for a number": {"next_wake": every}, "a long text": {"next_wake": 1, "alarms": [{"type": every * 9}]}}
        lines = {name: json.dumps(answer) for name, answer in answers.items()}
        lines["no JSON"] = every
        lines["no UTF-8"] = '{"\udcff\udc9b31m": 1}'
        for name, line in lines.items():
            with self.subTest(name):
                told = self.graded("wrong", {"texts": ["x"], "lists": {}, "last": line}, "--no-plots", "--format",
                                   "json,journal,junit,html,md")
                self.assert_code(1, told)
                self.assertGreater(self.result("wrong")["healer"]["failures"], 0)
                page = self.text("wrong", "report.html")
                self.assertNotRegex(page, r"<script>alert|<img src=x")
                for file in self.files_below(self.path("wrong")):
                    self.assertNotRegex(self.text("wrong", file), CONTROLS, file)
        self.assert_nothing_was_carried_out()

    def test_their_names(self):
        """A command that is longer than its name in a report, cut within a character; one that is not there."""
        for end in ("", "x", "xx"):
            command = "exec:%s healer.py friendly-plan.json %s%s" % (sys.executable, end, HOSTILE["long"])
            self.write("friendly-plan.json", {"texts": ["x"], "lists": {}})
            self.write("healer.py", HEALER)
            told = self.outside(self.write("small.json", SHORT), "--quiet", "--no-plots", "--strategy", command, "--out", self.path("out"))
            self.assertIn(told.code, (0, 1, 4), "\n%s" % told)
        for text in (HOSTILE["terminal"], HOSTILE["shell"], HOSTILE["html"]):
            told = self.outside(self.path("small.json"), "--quiet", "--no-plots", "--strategy", "exec:/nowhere/" + text)
            self.assertIn(told.code, (1, 2), "\n%s" % told)
        self.assert_nothing_was_carried_out()


class Stored(Outside):
    """Results and databases that somebody has written into."""

    def setUp(self):
        super().setUp()
        self.small = self.write("small.json", dict(SHORT, replications=2))
        self.assert_code(0, self.chaos(self.small, "--quiet", "--no-plots", "--out", self.path("friendly"), "--format", FORMATS,
                                       "--db", self.path("friendly.db")))

    def spoil(self, node, turn, count):
        """Each third string of it, and a key where any may stand, with a text each."""
        texts = list(HOSTILE.values())
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, (dict, list)):
                self.spoil(value, turn, count)
            elif isinstance(value, str) and key not in ("schema", "outcome"):
                count[0] += 1
                if count[0] % 3 == turn:
                    node[key] = texts[count[0] % len(texts)]
        if isinstance(node, dict) and turn == 2 and node:
            node[texts[count[0] % len(texts)]] = texts[(count[0] + 5) % len(texts)]

    def test_a_result_with_a_hostile_text_in_each_string(self):
        os.makedirs(self.path("hostile"))
        friendly = {tag for tag in hostile.Tags(self.text("friendly", "report.html")).tags}
        for turn in range(3):
            count = [0]
            for name in ("result.json", "run.json"):
                with open(self.path("friendly", name), encoding="utf-8") as f:
                    tree = json.load(f)
                self.spoil(tree, turn, count)
                self.write("hostile/" + name, tree)
            self.assertGreater(count[0], 200)
            for args in (["report", self.path("hostile"), "--no-plots", "--format", FORMATS],
                         ["report", self.path("hostile"), "--format", "svg,html", "--out", self.path("drawn")],
                         ["explain", self.path("hostile")], ["explain", self.path("hostile"), "--incident", "1"],
                         ["report", self.path("hostile"), self.path("friendly"), "--out", self.path("trends"), "--no-plots"]):
                told = self.outside(*args)
                self.assertIn(told.code, (0, 2), "\n%s" % told)
            for folder in ("hostile", "drawn", "trends"):
                for name in self.files_below(self.path(folder)):
                    if folder != "hostile" or name not in ("result.json", "run.json"):
                        self.assertNotRegex(self.text(folder, name), CONTROLS, name)
                    if name.endswith(".html"):
                        for tag, attributes in hostile.Tags(self.text(folder, name)).tags:
                            self.assertNotIn(tag, ("img", "iframe", "object"))
                            self.assertFalse([a for a in attributes if a.startswith("on")], name)
                        self.assertNotRegex(self.text(folder, name), r"<script>(alert|x)")
        self.assertGreater(len(friendly), 10)
        self.assert_nothing_was_carried_out()

    def test_a_database_with_a_hostile_text_in_each_column(self):
        texts = [text.encode() for text in HOSTILE.values()] + [NAMES["bytes"]]
        with sqlite3.connect(self.path("friendly.db")) as file:
            places = [(table, column) for (table,) in file.execute("select name from sqlite_master where type = 'table'")
                      for _, column, kind, *_ in file.execute("pragma table_info('%s')" % table) if "TEXT" in kind.upper()]
        self.assertGreater(len(places), 10)
        spoilt = 0
        for turn, table in [(turn, table) for turn in (0, 1) for table in sorted({table for table, _ in places})]:
            shutil.copy(self.path("friendly.db"), self.path("hostile.db"))
            file = sqlite3.connect(self.path("hostile.db"))
            for i, column in enumerate(column for at, column in places if at == table):
                text = NAMES["bytes"] if i % 2 == turn else texts[(i + len(table)) % len(texts)]
                try:
                    with file:
                        spoilt += file.execute("update %s set %s = cast(? as text) where rowid in (select min(rowid) from %s)" %
                                               (table, column, table), (text,)).rowcount
                except sqlite3.Error:
                    pass  # its own rules forbid it
            file.close()
            with self.subTest("%s, turn %d" % (table, turn)):
                for args in (["report", "--db", self.path("hostile.db"), "--out", self.path("trends"), "--no-plots"],
                             [self.small, "--quiet", "--no-plots", "--db", self.path("hostile.db"), "--resume",
                              "--format", "json", "--out", self.path("again")])[:1 if turn else 2]:
                    told = self.outside(*args)
                    self.assertIn(told.code, (0, 2, 74), "\n%s" % told)
                for name in self.files_below(self.path("trends")):
                    self.assertNotRegex(self.text("trends", name), CONTROLS, name)
                    self.assertNotRegex(self.text("trends", name), r"<script>(alert|x)|<img src=x")
        self.assertGreater(spoilt, 10)
        self.assert_nothing_was_carried_out()


class Files(Outside):
    def test_a_model_with_a_hostile_text_in_each_string(self):
        self.write("small.json", SHORT)
        self.assert_code(0, self.chaos("train", "small.json", "--runs", "3", "--out", self.path("state.json")))
        with open(self.path("state.json"), encoding="utf-8") as f:
            state = json.load(f)
        self.write("healed.json", dict(SHORT, healer={"extends": "default", "initial_state": "state.json"}))
        self.assert_code(0, self.chaos("validate", "healed.json"))
        places, stack = [], [(state, ())]
        while stack:
            node, path = stack.pop()
            for key, value in node.items() if isinstance(node, dict) else enumerate(node[:1]):
                if isinstance(value, (dict, list)):
                    stack.append((value, path + (key,)))
                elif isinstance(value, str):
                    places.append(path + (key,))
        self.assertGreater(len(places), 2)
        for place in places:
            for text in (HOSTILE["terminal"] + HOSTILE["bidi"], HOSTILE["format"], HOSTILE["long"] * 9):
                spoilt = json.loads(json.dumps(state))
                node = spoilt
                for key in place[:-1]:
                    node = node[key]
                node[place[-1]] = text
                if isinstance(node, dict):
                    node[text] = 1
                self.write("state.json", spoilt)
                with self.subTest(place):
                    self.assert_code(2, self.outside("validate", "healed.json"))

    def test_experiments_of_other_tools(self):
        data = os.path.join(chaos.TESTS, "data", "import")
        for name in sorted(os.listdir(data)):
            with open(os.path.join(data, name), encoding="utf-8") as f:
                original = f.read()
            for text in HOSTILE.values():
                tree = json.loads(original)
                self.replace(tree, text)
                path = self.write("other.json", tree)
                with self.subTest("%s %r" % (name, text[:40])):
                    told = self.outside("import", path)
                    if told.code == 0:
                        self.write("scenario.json", told.out)
                        self.assert_code(0, self.outside("validate", "scenario.json"))
                        self.outside("plan", "scenario.json")
        self.assert_nothing_was_carried_out()

    def replace(self, node, text):
        """Names and what is said of things; what decides which tool it is stays."""
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, (dict, list)):
                self.replace(value, text)
            elif isinstance(value, str) and key not in ("type", "stream", "func", "module", "listen"):
                node[key] = text

    def test_what_gnuplot_says_when_it_fails(self):
        words = "".join(HOSTILE.values()).encode() + NAMES["bytes"]
        self.write("words", words)
        os.chmod(self.write("bin/gnuplot", "#!/bin/sh\ncat '%s' >&2\nexit 1\n" % self.path("words")), 0o755)
        told = self.outside(self.write("small.json", SHORT), "--out", self.path("out"), "--format", FORMATS,
                            env={"PATH": self.path("bin") + ":/usr/bin:/bin"})
        self.assertIn(told.code, (0, 74), "\n%s" % told)
        for name in self.files_below(self.path("out")):
            self.assertNotRegex(self.text("out", name), CONTROLS, name)
            self.assertNotRegex(self.text("out", name), r"<script>alert|<img src=x")
        self.assert_nothing_was_carried_out()

    def test_gnuplot_reads_nothing_but_its_script(self):
        """No start file, no driver, library or preload of the environment, no shell's variables to act on."""
        for name in (".gnuplot", "gnuplotrc", ".config/gnuplot/gnuplotrc"):
            self.write("home/" + name, "system('touch %s')\n" % self.path("owned"))
        evil = {"HOME": self.path("home"), "XDG_CONFIG_HOME": self.path("home", ".config"), "GNUPLOT_LIB": self.path("home"),
                "GNUTERM": "dumb", "GNUPLOT_DRIVER_DIR": self.path("home"), "ENV": self.path("home", ".gnuplot"),
                "BASH_ENV": self.path("home", ".gnuplot"), "IFS": "/", "LD_PRELOAD": ""}
        shutil.copytree(self.path("home"), self.path("out"))
        shutil.rmtree(self.path("out"))
        told = self.outside(self.write("small.json", SHORT), "--quiet", "--out", self.path("out"), "--format", "json,svg", env=evil)
        self.assert_code(0, told)
        self.assert_nothing_was_carried_out()
        shown = "#!/bin/sh\nenv >'%s'\nexit 1\n" % self.path("environment")
        os.chmod(self.write("bin/gnuplot", shown), 0o755)
        self.outside(self.path("small.json"), "--quiet", "--out", self.path("out"), "--format", "json,svg",
                     env=dict(evil, PATH=self.path("bin") + ":/usr/bin:/bin"))
        with open(self.path("environment"), encoding="utf-8") as f:
            names = {line.partition("=")[0] for line in f}
        self.assertIn("HOME", names)
        self.assertEqual(set(), {name for name in names if name.startswith(("GNU", "LD_PRELOAD"))})


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.told.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


class Messages(Outside):
    def setUp(self):
        super().setUp()
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        self.server.told = []
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def test_chat_and_pager_get_text_alone(self):
        url = "http://127.0.0.1:%d/" % self.server.server_address[1]
        bank = "@here<!all|x[x](y)`z`\u202e\u009b1m\u00e9"
        scenario = dict(SHORT, duration="3m", method=[
            {"fault": "zombie", "target": {"service": "bank", "instances": "one"}, "at": "20s", "duration": "150s"}],
            healer={"extends": "default", "recovery": {"approval": {"required_above": "low", "expiry": "20s"}},
                    "escalation": {"channels": [{"name": kind + HOSTILE["terminal"], "kind": kind, "url": url + kind}
                                                for kind in ("chat", "pager")]}})
        scenario = json.loads(json.dumps(scenario).replace('"bank"', json.dumps(bank)))
        told = self.outside(self.write("small.json", scenario), "--quiet", "--no-plots", "--notify", "--out", self.path("out"))
        self.assertIn(told.code, (0, 1, 4), "\n%s" % told)
        said = {kind: [body for path, body in self.server.told if path == "/" + kind] for kind in ("chat", "pager")}
        self.assertGreater(len(said["chat"]), 0)
        for body in said["chat"]:
            self.assertNotRegex(body["text"], r"[@<>]|\]\(")
        for body in said["chat"] + said["pager"]:
            self.assertNotRegex(json.dumps(body, ensure_ascii=False), CONTROLS)
        self.assertIn("@here<!all|x[x](y)`z`", said["pager"][0]["payload"]["source"])  # which has no markup


class Secrets(Outside):
    SECRETS = ("s3cret-path", "s3cret-token", "s3cret-user", "s3cret-env")

    def test_tokens_and_urls_of_channels_are_nowhere(self):
        channels = [{"name": "chat", "kind": "chat", "url": "http://s3cret-user:s3cret-token@127.0.0.1:1/s3cret-path"},
                    {"name": "pager", "kind": "pager", "url": "env:PAGER_URL", "token": "s3cret-token"},
                    {"name": "other", "kind": "pager", "url": "http://127.0.0.1:1/s3cret-path", "token": "env:TOKEN"}]
        env = {"PAGER_URL": "http://127.0.0.1:1/s3cret-path", "TOKEN": "s3cret-env"}
        healer = {"extends": "default", "escalation": {"channels": channels},
                  "recovery": {"approval": {"required_above": "low", "expiry": "20s"}},
                  "store": {"path": "store.db"}}
        sick = [{"name": "sick bank", "fault": "zombie", "target": {"service": "bank", "instances": "one"},
                 "at": "20s", "duration": "90s"}]
        path = self.write("in/small.json", dict(SHORT, healer=healer, method=sick))
        strategy = self.write("in/strategy.json", healer)
        out = ["--no-plots", "--out", self.path("out"), "--format", FORMATS]
        token = "healer.escalation.channels[1].token=s3cret-token"
        for args in (["validate", path], ["plan", path], ["plan", path, "--json"],
                     [path, "--verbose", "--db", self.path("x.db"), *out], [path, "--log-json", *out],
                     [path, "--notify", "--verbose", *out], [path, "--set", token, "--verbose", *out],
                     [path, "--strategy", strategy, "--verbose", *out],
                     ["ab", path, "--a", strategy, "--b", "none", "--runs", "1", "--no-plots", "--out", self.path("ab"),
                      "--db", self.path("ab.db")],
                     ["report", self.path("out"), "--no-plots"], ["explain", self.path("out")]):
            with self.subTest(" ".join(args)[:60]):
                told = self.outside(*args, env=env)
                self.assertIn(told.code, (0, 1, 4, 7, 74), "\n%s" % told)
                self.nowhere(told)
        for name in self.files_below(self.folder):
            if name not in ("in/small.json", "in/strategy.json"):
                with open(self.path(name), "rb") as f:
                    content = f.read()
                for secret in self.SECRETS:
                    self.assertNotIn(secret.encode(), content, name)

    def nowhere(self, told):
        for secret in self.SECRETS:
            self.assertNotIn(secret, told.out + told.err)

    def test_what_is_wrong_with_them_is_said_without_them(self):
        good = {"name": "pager", "kind": "pager", "url": "http://127.0.0.1:1/", "token": "x"}
        for wrong in ({"url": "s3cret-path"}, {"url": "ftp://s3cret-user:s3cret-token@x/"}, {"url": ["s3cret-path"]},
                      {"token": ["s3cret-token"]}, {"token": {"s": "s3cret-token"}}, {"token": "s3cret-token\n"},
                      {"token": "s3cret-token" * 99}, {"url": "http://s3cret-path/" + "x" * 2000}, {"url": "http://s3cret-path x"},
                      {"url": "env:"}, {"tokn": "s3cret-token"}):
            healer = {"extends": "default", "escalation": {"channels": [dict(good, **wrong)]}}
            path = self.write("small.json", dict(SHORT, healer=healer))
            for args in (["validate", path], [path, "--quiet", "--no-plots", "--notify"]):
                with self.subTest(str(wrong)[:80]):
                    told = self.outside(*args, env={"S": "s3cret-env"})
                    self.nowhere(told)
                    if args[0] != "validate":
                        self.assert_code(2, told)
