"""Fails each allocation, or each step of input and output, of a command in turn.

`Sweep` counts a command's calls with the library made of failing.c, and then runs it once
for each place of the program that makes them (or for each k-th of these), with the first
call from there failed. What must hold after each:

- it ends by itself, with the exit code that it has anyway or with 70 or 74, and no sanitizer
  has a word to say;
- with the usual code, everything is there to the last byte, or stderr says what is not;
- with another code, stderr says why;
- no half file is left, nothing hidden, and a database opens and is sound;
- when all is over, a run in the same folder gives what it would have given before.

Run by test_failing.py with a share, by tests/bench/failing.py whole.
"""
import glob
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

import chaos

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "failing.c")

# What is a fact of the clock and not of the run.
NOT_COMPARED = {"run.json"}

TINY = chaos.small(replications=1, duration="40s", warmup="10s")
# A text that grows several times as its variables are written out.
TINY.update(configuration={"words": "so many words that the text has to grow for them, "},
            description="${words}" * 7)
TINY["method"][0].update(at="5s", duration="10s")
TINY["method"][1].update(at="25s")

# What commands there are to sweep: {out} is theirs alone, {before} holds a run of the same.
# After `<` comes what they read from stdin.
COMMANDS = {
    "run": "{tiny} --out {out} --quiet --no-plots --jobs 1",
    "database": "{tiny} --out {out}/o --quiet --no-plots --jobs 1 --db {out}/x.db --format json",
    "plots": "{tiny} --out {out} --quiet --jobs 1 --format svg",
    "campaign": "{many} --out {out}/o --quiet --no-plots --jobs 1 --db {out}/x.db --strategy default --strategy none",
    "resume": "{tiny} --out {out}/o --quiet --no-plots --jobs 1 --db {out}/x.db --resume --format json",
    "store": "{tiny} --out {out}/o --quiet --no-plots --jobs 1 --strategy {stored}",
    "exec": "{tiny} --out {out} --quiet --no-plots --jobs 1 --strategy exec:{healer}",
    "ab": "ab {tiny} --a default --b none --runs 2 --out {out} --quiet --no-plots --jobs 1",
    "validate": "validate {tiny}",
    "invalid": "validate {bad}",
    "plan": "plan {tiny} --json",
    "report": "report {before} --out {out} --no-plots",
    "trends": "report --db {entered} --out {out} --no-plots",
    "explain": "explain {before}",
    "train": "train {tiny} --runs 1 --out {out}/state.json",
    "import": "import {toolkit}",
    "replay": "replay {telemetry}",
    "list": "list faults --json",
    "scenarios": "list scenarios {many}",
    "stats": "stats mean_t < {numbers}",
    "healer": "healer < {lines}",
    "init": "init {out}/start",
}
SAID = re.compile(r"memory|allocate|cannot|could not|unable|I/O error|disk|full|No space|not written|read-?only|Too many|Input/output",
                  re.I)


def build(folder, compiler="gcc"):
    """Makes the library in a folder; returns its path, or None without a compiler."""
    made = os.path.join(folder, "failing.so")
    if shutil.which(compiler) is None:
        return None
    subprocess.run([compiler, "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"],
                   check=True, stdin=subprocess.DEVNULL)
    return made


def rotation(path, every):
    """Which of k shares is this program's turn: another build, another share."""
    with open(path, "rb") as f:
        return int(hashlib.sha256(f.read()).hexdigest(), 16) % every


def timeless(text):
    """The verdict's screen ends with how long it took."""
    return re.sub(r"[0-9.]+ s\)$", "s)", text, flags=re.M)


class Sweep:
    """The sweeps of one program, in a folder of its own. `library` is from build()."""

    def __init__(self, folder, library, binary, asan=False):
        self.folder, self.binary, self.asan = folder, binary, asan
        self.tried = {}
        self.preload = library
        if asan:
            self.preload += " " + subprocess.run(
                ["gcc", "-print-file-name=libasan.so"], stdout=subprocess.PIPE, text=True,
                check=True).stdout.strip()
        os.makedirs(folder, exist_ok=True)
        self.words = {"before": os.path.join(folder, "before"), "out": os.path.join(folder, "out"),
                      "folder": folder}
        self.put("leaks", "leaks.txt", "leak:dl_open_worker_begin\n")
        self.put("tiny", "tiny.json", json.dumps(TINY))
        self.put("bad", "bad.json", json.dumps(dict(TINY, load=[{"to": "shp", "rate": -1}], x=1)))
        self.put("toolkit", "toolkit.json", open(os.path.join(
            chaos.TESTS, "fuzz", "corpus", "import", "toolkit.json"), encoding="utf-8").read())
        self.put("telemetry", "cpu.csv", "timestamp,value\n" + "".join(
            "2024-01-01 %02d:%02d:00,%d\n" % (i // 60, i % 60, 5 + (i * 7) % 11 + 50 * (i > 200))
            for i in range(300)))
        self.put("numbers", "numbers.json", '{"values": [1, 2, 3, 5]}')
        self.put("stored", "stored.json", '{"extends": "default", "store": {"path": "out/healer.db"}}')
        for name in ("one", "two"):
            self.put("many", os.path.join("many", name + ".json"), json.dumps(TINY))
        self.put("many", os.path.join("many", "wrong.json"), '{"version": 1, "title": ')
        self.words["many"] = os.path.dirname(self.words["many"])
        self.words["entered"] = os.path.join(folder, "entered.db")
        self.call("{tiny} --out {before} --quiet --no-plots --jobs 1 --db {entered}")
        # What a healer is told is what one was told in such a run.
        self.words["lines"] = os.path.join(folder, "lines")
        self.put("healer", "healer", "#!/bin/sh\ntee '%s'.$$ | '%s' healer\n" % (self.words["lines"], binary))
        os.chmod(self.words["healer"], 0o755)
        self.call(COMMANDS["exec"].replace("{out}", "{folder}/told"))
        self.words["lines"] = max(glob.glob(self.words["lines"] + ".*"), key=os.path.getsize)
        self.put("healer", "healer", "#!/bin/sh\nexec '%s' healer\n" % binary)

    def put(self, word, name, text):
        self.words[word] = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(self.words[word]), exist_ok=True)
        with open(self.words[word], "w", encoding="utf-8") as f:
            f.write(text)

    def call(self, command, **env):
        command, _, given = command.partition("<")
        args = [word.format(**self.words) for word in command.split()]
        with open(given.strip().format(**self.words) or os.devnull, "rb") as stdin:
            return self.call_with(stdin, args, env)

    def call_with(self, stdin, args, env):
        options = "exitcode=99:verify_asan_link_order=0:allocator_may_return_null=1"
        done = subprocess.run(
            [self.binary, *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder, timeout=120,
            env=chaos.environment(
                ASAN_OPTIONS=options,
                # The loader's own, of the unwinder that failing.c asks for.
                LSAN_OPTIONS="print_suppressions=0:suppressions=" + self.words["leaks"], **env))
        return chaos.Told(args, done.returncode, done.stdout.decode("utf-8", "replace"),
                          done.stderr.decode("utf-8", "replace"))

    def fresh(self):
        shutil.rmtree(self.words["out"], True)
        os.makedirs(self.words["out"])

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as f:
            return f.read()

    def failing(self, command, what, **more):
        return self.call(command, LD_PRELOAD=self.preload, FAILING_WHAT=what,
                         FAILING_LOG=os.path.join(self.folder, "log"), **more)

    def places(self, command, what):
        """The number of calls, and at which of them each place is met first: {number: place}."""
        self.fresh()
        self.failing(command, what)
        first, *rest = self.log().splitlines()
        return int(first), {int(number): place for number, place in map(str.split, rest)}

    def state(self):
        """What is in the folder of the command, as bytes."""
        found = {}
        for at, _, names in os.walk(self.words["out"]):
            for name in names:
                if name in NOT_COMPARED or ".db" in name:
                    continue
                with open(os.path.join(at, name), "rb") as f:
                    found[os.path.relpath(os.path.join(at, name), self.words["out"])] = f.read()
        return found

    def breach(self, what, told, usual, state):
        """What is wrong after a run with a failure; None if nothing is."""
        if told.code < 0 or "Sanitizer" in told.err or "runtime error" in told.err:
            return "it crashed: %d" % told.code
        # What is wrong with an input file is 2, as if it were missing.
        unread = told.code == 2 and what == "files" and re.search(r"Too many|Input/output", told.err)
        mute = told.code == 1 and "The healer failed in" in told.out
        if told.code not in (usual.code, 70, 74) and not unread and not mute:
            return "exit code %d" % told.code
        if mute:  # a healer that cannot be spoken to is graded as one that died
            return None
        now = self.state()
        for name in now:
            if re.search(r"\.tmp$|XXXXXX|(^|/)\.", name):
                return "%s is left" % name
            if name.endswith(".json"):
                try:
                    json.loads(now[name])
                except ValueError:
                    return "%s is not whole" % name
        # A whole file may be another one only where it says why (without plots, say).
        if told.code != usual.code or told.err != usual.err:
            if told.code not in (0, usual.code) or told.err != usual.err:
                if not SAID.search(told.err[len(usual.err):] if told.err.startswith(usual.err)
                                   else told.err):
                    return "it does not say why"
        elif now != state:
            names = sorted(set(now) ^ set(state)) or [n for n in now if now[n] != state[n]]
            return "without a word %s differ" % ", ".join(names)
        elif timeless(told.out) != timeless(usual.out) and not SAID.search(told.out):
            return "without a word it prints something else"
        return self.breach_of_database()

    def breach_of_database(self):
        for name in ("x.db", "healer.db"):
            path = os.path.join(self.words["out"], name)
            why = self.breach_of_file(path) if os.path.exists(path) else None
            if why:
                return "%s: %s" % (name, why)
        return None

    def breach_of_file(self, path):
        try:
            with sqlite3.connect(path) as file:
                if file.execute("pragma integrity_check").fetchall() != [("ok",)]:
                    return "the database is damaged"
                if not file.execute("select 1 from sqlite_master where name = 'arms'").fetchall():
                    return None
                halves = file.execute(
                    "select count(*) from replications r where not exists (select 1 from arms a "
                    "where a.run_id = r.run_id and a.replication = r.replication)").fetchone()[0]
                return "the database holds half a replication" if halves else None
        except sqlite3.Error as error:
            return "the database: %s" % error

    def sweep(self, name, what, every=1, turn=0, every_call=False, on=False, once=False):
        """Fails in turn. Yields (number, breach or None, what was told, stack). With `once` without
        places that an earlier sweep has had, in whatever command."""
        command = COMMANDS[name]
        calls, places = self.places(command, what)
        self.fresh()
        usual = self.call(command)
        state = self.state()
        tried = self.tried.setdefault(what, set())
        numbers = range(1, calls + 1) if every_call else [
            number for number in places if not once or places[number] not in tried]
        for number in list(numbers)[turn % every::every]:
            tried.add(places.get(number))
            self.fresh()
            more = {"FAILING_ON": "1"} if on else {}
            told = self.failing(command, what, FAILING_AT=str(number), **more)
            yield number, self.breach(what, told, usual, state), told, self.log()
        # In the folder of the last one, which was left as it was:
        if not name.startswith("init"):
            after = self.call(command)
            now = self.state()
            if after.code != usual.code or now != state:
                yield 0, "a run after it is another one", after, ""


