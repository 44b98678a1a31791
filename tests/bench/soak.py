#!/usr/bin/env python3
"""Random worlds through the whole program, for as long as is asked for: ./dev bench soak

    tests/bench/soak.py PROGRAM [MINUTES] [SEED] [WORLDS]

Scenarios drawn from the whole language (worlds.py), twenty at a time, run by one process as a
directory, with options that turn from batch to batch: writers, a database, threads, journals,
--attribute, --floor; every fifth batch some of them through `ab` as well. What must hold: no
crash, no sanitizer's word (the program may be one built with ASan), no broken invariant (exit
70), a result for each, none that takes more than a minute of the processor; the first of a
batch gives the same bytes alone; no descriptor more at the end than at the beginning, and
memory that does not grow from the first third of the scenarios to the last. A program built
with ASan also looks at its books at every step, not only at the end (harness/fleet/fleet.c).

A scenario that breaks something is made smaller as long as it still does the same, and kept
as soak-SEED-N.json where this was started. Ends after MINUTES (60, or CHAOS_SOAK_MINUTES) or
so many WORLDS, whichever comes first; several processes of different seeds may run beside
each other. Says at the end which keys of the language the worlds had; exits with 1 when
something was found.
"""
import collections
import copy
import glob
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import worlds  # noqa: E402

BATCH = 20
# Differences between two arms, and shares of something that is not the whole.
MAY_BE_NEGATIVE = r"averted|self_made|gain|prevention|waterfall|prediction$|reaction$"
# Zombies and the hung are busy and not up; an oracle can be beaten.
MAY_BE_MORE = r"amplification|burn|failures|utilization|averted_share"
HANGS_S = 60      # of the processor, for one world
SHRINK_FOR_S = 240
GOOD = (0, 1, 3, 4, 5, 6, 7)  # an outcome; the rest is no verdict on the healing
REFUSED = 2       # what only a run can refuse: a file that cannot be opened, a profile that forbids chaos
# What ASan holds back for a while is not the program's growth.
ENV = dict(os.environ, ASAN_OPTIONS="exitcode=99:quarantine_size_mb=8", UBSAN_OPTIONS="halt_on_error=1:exitcode=99",
           LC_ALL="C.UTF-8")


def processor_s(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Soak:
    def __init__(self, program, seed):
        self.program, self.seed, self.chance = os.path.abspath(program), seed, random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="chaos-soak-")
        self.place = os.path.join(self.folder, "batch")
        os.makedirs(os.path.join(self.place, "files"))
        self.maker = worlds.Maker(self.program, self.chance, os.path.join(self.place, "files"))
        self.batches = self.tried = self.left_out = self.compared = self.peak_kib = self.descriptors = 0
        self.drawn = 0
        self.codes, self.found = collections.Counter(), collections.Counter()

    # ---- worlds that the loader takes

    def write(self, name, scenario):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(scenario, f, indent=1)
        return path

    def told(self, arguments, timeout=600):
        return subprocess.run([self.program, *arguments], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              timeout=timeout, check=False)

    def said(self, scenarios):
        """The loader's lines about each; None about one on which it does not end well."""
        paths = [self.write("%02d.json" % i, scenario) for i, scenario in enumerate(scenarios)]
        told = self.told(["validate", *paths])
        if told.returncode not in (0, REFUSED):
            return [self.said_alone(path, scenario) for path, scenario in zip(paths, scenarios)]
        return self.lines_of(paths, told.stderr)

    def said_alone(self, path, scenario):
        told = self.told(["validate", path])
        if told.returncode in (0, REFUSED):
            return self.lines_of([path], told.stderr)[0]
        self.report("validate: exit %d" % told.returncode, signature(told.returncode, told.stderr), scenario, told.stderr)
        return None

    def lines_of(self, paths, stderr):
        lines = {path: [] for path in paths}
        for line in stderr.decode("utf-8", "replace").splitlines():
            match = re.match(r"(\S*?\.json):(?:\d+:\d+:)? (.*)", line)
            if match and match.group(1) in lines:
                lines[match.group(1)].append(match.group(2))
        return [lines[path] for path in paths]

    def valid(self, count):
        found = []
        while len(found) < count:
            drawn = [self.maker.scenario() for _ in range(count + count // 2)]
            taken, left_out = self.maker.mended(drawn, self.said)
            self.drawn += len(drawn)
            self.left_out += left_out
            found += taken
            self.clear()
        dressed = [self.maker.dressed(scenario) for scenario in found]
        found = [other if lines == [] else scenario for scenario, other, lines in
                 zip(found, dressed, self.said(dressed))]
        self.clear()
        return found

    def clear(self):
        for path in glob.glob(os.path.join(self.place, "*.*")):
            os.unlink(path)

    # ---- running

    def options(self):
        """What this batch is run with."""
        c = self.chance
        options = ["--format", ",".join(["json", *c.sample(["csv", "junit", "html", "md", "prom", "om", "journal",
                                                           "grafana"], c.choice([0, 0, 2, 8]))])]
        options += ["--jobs", c.choice("1112"), "--journal", c.choice(["first", "all", "none", "telemetry"])]
        if c.random() < 0.1:
            options += ["--attribute"]
        elif c.random() < 0.05:
            options += ["--floor"]
        if c.random() < 0.15:
            options += ["--db", os.path.join(self.folder, "soak.db")]
        return options

    def command(self, what, out, options):
        return [self.program, what, "--quiet", "--no-plots", "--approve", "--out", out, *options]

    def run_alone(self, scenario, options):
        """(exit code, stderr, bytes of the result); None as code where it took too long."""
        out = os.path.join(self.folder, "alone")
        shutil.rmtree(out, True)
        path = self.write("alone.json", scenario)
        try:
            told = self.told(self.command(path, out, options)[1:], timeout=4 * HANGS_S)
            return told.returncode, told.stderr, contents(out)
        except subprocess.TimeoutExpired:
            return None, b"takes more than %d s" % (4 * HANGS_S), None
        finally:
            os.unlink(path)

    def run_together(self, scenarios, options):
        """One process for all; (KiB, descriptors), looked at 20 times a second."""
        out = os.path.join(self.folder, "out")
        shutil.rmtree(out, True)
        self.clear()
        for i, scenario in enumerate(scenarios):
            self.write("%02d.json" % i, scenario)
        with open(os.path.join(self.folder, "said"), "wb") as said:
            process = subprocess.Popen(self.command(self.place, out, options), env=ENV, stdout=subprocess.DEVNULL, stderr=said)
        sizes, descriptors = [], []
        results, since_s, began = 0, 0, time.monotonic()
        while process.poll() is None:
            try:
                with open("/proc/%d/statm" % process.pid, encoding="ascii") as f:
                    sizes.append(int(f.read().split()[1]) * 4)
                descriptors.append(len(os.listdir("/proc/%d/fd" % process.pid)))
                used_s, there = processor_s(process.pid), len(os.listdir(out)) if os.path.isdir(out) else 0
            except (OSError, IndexError):
                continue
            if there > results:
                results, since_s, began = there, used_s, time.monotonic()
            if used_s - since_s > HANGS_S or time.monotonic() - began > 8 * HANGS_S:
                process.kill()
            time.sleep(0.05)
        self.clear()
        self.ended = process.returncode
        return sizes[1:], descriptors[1:]

    def batch(self, count):
        scenarios, options, before = self.valid(count)[:count], self.options(), sum(self.found.values())
        sizes, descriptors = self.run_together(scenarios, options)
        for scenario in scenarios:
            self.maker.count_keys(scenario)
        self.tried += len(scenarios)
        self.batches += 1
        ended = self.ended
        results = self.judge(scenarios, options)
        if ended not in (*GOOD, REFUSED) and before == sum(self.found.values()):  # all results, and then: a leak, say
            with open(os.path.join(self.folder, "said"), "rb") as f:
                said = f.read()
            self.report("exit %s of a batch with %s" % (ended, " ".join(options)), signature(ended, said), {"batch": scenarios}, said)
        self.judge_memory(scenarios, options, sizes, descriptors)
        self.same_alone(scenarios[0], options, results[0])
        if self.batches % 5 == 0:
            self.compare(scenarios[:3])

    def judge(self, scenarios, options):
        """Looks for each result of the batch, and what is wrong where there is none."""
        results, silent, culprits = [], [], sum(self.found.values())
        for i, scenario in enumerate(scenarios):
            results.append(contents(os.path.join(self.folder, "out"), "%02d" % i))
            codes = [json.loads(text)["exit_code"] for text in results[-1].values()] or [None]
            if all(code in GOOD for code in codes):
                self.codes.update(codes)
                odd = [words for text in results[-1].values() for words in odd_numbers(json.loads(text))]
                if odd:
                    self.report("; ".join(odd[:5]), re.sub(r"[\d.]+", "#", odd[0]), scenario, b"")
                continue
            code, said, texts = self.run_alone(scenario, options)
            self.codes[code] += 1
            if code == REFUSED:
                continue
            if code in GOOD:
                silent.append((code, scenario, said))
            else:
                self.report_smaller(scenario, options, code, said, texts)
        # Those behind one that ended the process are none of theirs.
        for code, scenario, said in silent if culprits == sum(self.found.values()) else []:
            self.report("no result among others, exit %d alone" % code, "alone", scenario, said)
        return results

    def judge_memory(self, scenarios, options, sizes, descriptors):
        third = len(sizes) // 3
        if third < 5:
            return
        self.peak_kib = max([self.peak_kib, *sizes])
        self.descriptors = max([self.descriptors, *descriptors])
        first, last = max(sizes[:third]), max(sizes[-third:])
        # Perhaps the largest world came last: twice the same is as large, unless it grows.
        twice = max(self.run_together(scenarios + scenarios, options)[0]) if last > 2 * first + 65536 else 0
        if twice > 1.2 * last + 16384:
            self.report("memory grows: %d KiB, and %d for the same again" % (last, twice), "memory",
                        {"batch": scenarios}, b"")
        # A healer's pipes and a store's files come and go: what is lost is there all the time.
        if min(descriptors[-third:]) > min(descriptors[:third]) + 4:
            self.report("descriptors grow", "descriptors", {"batch": scenarios}, b"")

    def same_alone(self, scenario, options, results):
        """The first world of a batch, by itself in a process of its own."""
        if not results or isinstance(scenario.get("healer"), dict) and "store" in scenario["healer"]:
            return  # what a store holds it has learned: the second run is another
        if "--db" in options:  # a database of its own: the other one has this world already
            options = [*options[:options.index("--db")], "--db", os.path.join(self.folder, "alone.db")]
            remove_database(options[-1])
        code, said, again = self.run_alone(scenario, options)
        self.compared += 1
        if code is not None and unnamed(again) != unnamed(results):
            self.report("another result alone (exit %s)" % code, "differs", scenario, said)

    def compare(self, scenarios):
        """The same worlds through `ab`, which draws its own conclusions."""
        a, b = self.chance.sample(self.maker.presets[:5], 2)
        for scenario in scenarios:
            path, out = self.write("ab.json", scenario), os.path.join(self.folder, "ab")
            told = self.told(["ab", path, "--a", a, "--b", b, "--runs", "3", "--quiet", "--no-plots", "--approve",
                              "--format", "json,html", "--out", out])
            os.unlink(path)
            shutil.rmtree(out, True)
            if told.returncode not in (*GOOD, REFUSED):
                self.report("ab --a %s --b %s: exit %d" % (a, b, told.returncode),
                            signature(told.returncode, told.stderr), scenario, told.stderr)

    # ---- what was found

    def report_smaller(self, scenario, options, code, said, texts):
        """Makes it smaller, unless this was found before."""
        sign = signature(code, said, texts)
        if sign not in self.found and code is not None:
            scenario = self.shrunk(scenario, options, sign)
            _, said, _ = self.run_alone(scenario, options)
        self.report("exit %s with %s: %s" % (code, " ".join(options), sign), sign, scenario, said)

    def shrunk(self, scenario, options, sign):
        """Without everything that it does not take to fail like that."""
        end, again = time.monotonic() + SHRINK_FOR_S, True
        while again:
            again = False
            for place in sorted(places(scenario), key=len):
                smaller = copy.deepcopy(scenario)
                if not remove(smaller, place) or time.monotonic() > end:
                    continue
                code, said, texts = self.run_alone(smaller, options)
                if code not in (*GOOD, REFUSED) and signature(code, said, texts) == sign:
                    scenario, again = smaller, True
                    break
        return scenario

    def report(self, what, sign, scenario, said):
        self.found[sign] += 1
        if self.found[sign] > 3:
            return
        name = "soak-%s-%d.json" % (self.seed, sum(self.found.values()))
        with open(name, "w", encoding="utf-8") as f:
            json.dump(scenario, f, indent=1)
        print("%s: %s\n  %s" % (name, what, said.decode("utf-8", "replace").strip()[-1500:]), flush=True)

    def summary(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ("%d worlds (%.2f s of the processor each; %d drawn, %d keys left out), exit codes %s; %d the same alone; "
                "at most %d MiB and %d descriptors; %d findings\n%s" % (
                    self.tried, (used.ru_utime + used.ru_stime) / max(1, self.tried), self.drawn, self.left_out, dict(sorted(self.codes.items(), key=str)), self.compared,
                    self.peak_kib // 1024, self.descriptors, sum(self.found.values()), self.maker.keys_line()))


# ---- results and places

def contents(folder, name=""):
    """{path: text} of the results of one scenario, one for each value of a matrix."""
    texts = {}
    for path in glob.glob(os.path.join(folder, name + "*", "**", "result.json"), recursive=True) + \
            glob.glob(os.path.join(folder, "result.json")):
        with open(path, encoding="utf-8") as f:
            texts[os.path.relpath(path, folder)] = f.read()
    return texts


def unnamed(texts):
    """The results without the name of the file that they came from."""
    return sorted(re.sub(r'"file": ?"[^"]*"', "", text) for text in (texts or {}).values())


def odd_numbers(result):
    """Numbers that no run can have: shares beyond 1, times before 0, what an unsigned number has below 0."""
    for probe in result["steady_state"]["probes"] + result.get("stops", []):
        for key in ("observed", "observed_end"):
            value = probe.get(key)
            share = probe["metric"] in ("availability", "error_ratio", "timeout_ratio")
            if value is not None and not 0 <= value <= (1 + 1e-9 if share else 1e9):
                yield "probe of %s %s: %r" % (probe["metric"], key, value)
    for where, row in figures(result, ""):
        key, value, low, high = where.rsplit(".", 1)[-1], row["value"], row.get("low"), row.get("high")
        if value is None:
            continue
        if value < 0 and not re.search(MAY_BE_NEGATIVE, where):
            yield "%s: %r is below 0" % (where, value)
        if row["unit"] == "ratio" and value > 1 + 1e-9 and not re.search(MAY_BE_MORE, key):
            yield "%s: %r is above 1" % (where, value)
        if low is not None and high is not None and key != "utilization" and not low - 1e-9 <= value <= high + 1e-9:
            yield "%s: %r is outside %r..%r" % (where, value, low, high)
    for where, value in numbers(result, ""):
        if abs(value) > 1e15 and not re.search(r"seed|bytes", where):
            yield "%s: %r" % (where, value)


def figures(node, where):
    """Those with a unit, wherever they are."""
    for key, inner in enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else []:
        place = "%s.%s" % (where, key)
        if isinstance(inner, dict) and "value" in inner and "unit" in inner:
            yield place, inner
        yield from figures(inner, place)


def numbers(node, where):
    for key, inner in enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else []:
        place = "%s.%s" % (where, key)
        if isinstance(inner, (int, float)) and not isinstance(inner, bool):
            yield place, inner
        else:
            yield from numbers(inner, place)


def remove_database(path):
    for name in glob.glob(path + "*"):
        os.unlink(name)


def signature(code, stderr, texts=None):
    """What failed, in words that stay the same while a scenario is made smaller."""
    for text in (texts or {}).values():
        broken = [row["name"] + ": " + re.sub(r"\d+", "#", row["detail"])
                  for row in json.loads(text).get("invariants", []) if not row["holds"]]
        if broken:
            return "; ".join(broken)
    lines = stderr.decode("utf-8", "replace").splitlines()
    for word in ("SUMMARY: ", "runtime error: ", "Assertion ", "chaos-run: "):
        for line in lines:
            if word in line:
                return "%s %s" % (code, re.sub(r"\S*batch\S*|0x[0-9a-f]+|==\d+==|\b\d{3,}\b", "#", line)[:200])
    return str(code)


def places(node, place=()):
    """Of everything that could be left out, outer things first in each branch."""
    rows = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else []
    for key, inner in rows:
        yield (*place, key)
        yield from places(inner, (*place, key))


def remove(node, place):
    for step in place[:-1]:
        node = node[step]
    if place in (("version",), ("title",)):
        return False
    del node[place[-1]]
    return True


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    minutes = float(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHAOS_SOAK_MINUTES", "60"))
    soak = Soak(sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    wanted = int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize
    began = time.monotonic()
    try:
        while time.monotonic() < began + 60 * minutes and soak.tried < wanted:
            soak.batch(min(BATCH, wanted - soak.tried))
            if soak.batches % 25 == 0:
                print("%d worlds in %.0f s, %d findings" % (soak.tried, time.monotonic() - began, sum(soak.found.values())),
                      file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(soak.folder, True)
        print("%s\n%.0f s" % (soak.summary(), time.monotonic() - began))
    return 1 if soak.found else 0


sys.exit(main())
