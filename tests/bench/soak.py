#!/usr/bin/env python3
"""Random worlds through the whole program, for as long as is asked for: ./dev bench soak

    tests/bench/soak.py PROGRAM [MINUTES] [SEED]

Fleets of one to six services with random keys, calls and load, and up to five faults of the
program's own catalogue with random arguments and targets; what the loader refuses is drawn
again. Twenty of them at a time are run by one process, as a directory. What must hold: no
crash, no sanitizer's word (the program may be one built with ASan), no broken invariant (exit
70), a result for each; no descriptor more at the end than at the beginning, and memory that
does not grow from the first third of the scenarios to the last. A scenario that breaks
something is made smaller as long as it still does, and kept as soak-N.json where this was
started. MINUTES is 60, or CHAOS_SOAK_MINUTES; exits with 1 when something was found.
"""
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

BATCH = 20
GOOD = (0, 1, 3, 4, 5, 6, 7)  # an outcome; the rest is no verdict on the healing
# What ASan holds back for a while is not the program's growth.
ENV = dict(os.environ, ASAN_OPTIONS="exitcode=99:quarantine_size_mb=8", UBSAN_OPTIONS="halt_on_error=1:exitcode=99",
           LC_ALL="C.UTF-8")


class Maker:
    """Draws scenarios."""

    def __init__(self, program, chance):
        self.chance = chance
        told = subprocess.run([program, "list", "faults", "--json"], stdout=subprocess.PIPE, check=True)
        self.faults = json.loads(told.stdout)

    def duration(self, low_ms, high_ms):
        return "%dms" % (low_ms * (high_ms / low_ms) ** self.chance.random())

    def service(self, i, count):
        c = self.chance
        service = {"name": "s%d" % i, "instances": c.randint(1, 5), "concurrency": c.randint(1, 8),
                   "queue": c.choice([0, 4, 32, 200]),
                   "service_time": {"dist": "lognormal", "p50": self.duration(1, 20), "p99": "90ms"},
                   "restart_time": self.duration(500, 20000), "boot_time": self.duration(500, 30000),
                   "slo": {"target": "99%", "latency": "400ms", "window": "10s", "min_requests": 10}}
        below = [k for k in range(i + 1, count) if c.random() < 0.5][:3]
        if below:
            service["calls"] = [{"to": "s%d" % k, "probability": round(c.random(), 2),
                                 "timeout": self.duration(50, 5000)} for k in below]
        if c.random() < 0.4:
            service["memory"] = {"base": "100MiB", "limit": "%dMiB" % c.randint(150, 900)}
        return service

    def argument(self, argument, names):
        c, unit = self.chance, argument["unit"]
        if argument["choices"]:
            return c.choice(argument["choices"])
        if unit == "duration":
            return self.duration(1, 60000)
        if unit == "true or false":
            return c.random() < 0.5
        if unit in ("ratio", "share"):
            return round(c.random(), 3)
        if unit == "size":
            return "%dMiB" % c.randint(1, 500)
        if unit == "size per time":
            return "%dMiB/s" % c.randint(1, 50)
        if unit == "percentage per time":
            return "%d%%/min" % c.randint(1, 50)
        if unit == "name of an entry":
            return c.choice(names) if names else "x"
        low, high = argument.get("minimum") or 0, argument.get("maximum") or 10
        return c.randint(int(low), int(max(low, min(high, low + 20))))

    def target(self, kind, services):
        c = self.chance
        service = c.choice(services)
        if kind == "edge":
            service = c.choice([s for s in services if s.get("calls")] or services)
            to = c.choice(service.get("calls") or [{"to": service["name"]}])["to"]
            return {"from": service["name"], "to": to}
        return {"instances": {"service": service["name"], "instances": c.choice(["one", "all"])},
                "service": {"service": service["name"]}, "zone": {"zone": c.choice("ab")},
                "zones": {"from": {"zone": "a"}, "to": {"zone": "b"}}, "load": {"load": "people"},
                "healer": {"healer": True}}.get(kind)

    def entry(self, i, services, names):
        c, fault = self.chance, self.chance.choice(self.faults)
        entry = {"name": "f%d" % i, "fault": fault["name"], "at": "%ds" % c.randint(0, 40)}
        target = self.target(c.choice(fault["targets"]), services)
        if target:
            entry["target"] = target
        if not fault["instant"] or c.random() < 0.3:
            entry["duration"] = "%ds" % c.randint(1, 60)
        arguments = {a["name"]: self.argument(a, names) for a in fault["arguments"]
                     if a["required"] or c.random() < 0.2}
        if arguments:
            entry["arguments"] = arguments
        return entry

    def scenario(self):
        c = self.chance
        count = c.randint(1, 6)
        services = [self.service(i, count) for i in range(count)]
        method = []
        for i in range(c.randint(1, 5)):
            method.append(self.entry(i, services, [entry["name"] for entry in method]))
        return {"version": 1, "title": "random", "seed": c.randint(0, 2 ** 53), "duration": c.choice(["30s", "1m", "2m"]),
                "warmup": c.choice(["0s", "20s", "1m"]),
                # Worlds go on until nothing is bad any more: somebody has to come soon.
                "fleet": {"zones": [{"name": "a"}, {"name": "b"}], "services": services,
                          "operations": {"human_response": self.duration(5000, 120000),
                                         "human_fix": self.duration(5000, 120000)}},
                "load": [{"name": "people", "to": "s0", "rate": "%d/s" % c.choice([1, 5, 20, 60] if count < 4 else [1, 5, 20]),
                          "timeout": self.duration(100, 10000)}],
                "healer": c.choice(["default", "aggressive", "conservative", "reactive", "none"]),
                "method": method, "replications": 1}


class Soak:
    def __init__(self, program, seed):
        self.program = os.path.abspath(program)
        self.maker = Maker(self.program, random.Random(seed))
        self.folder = tempfile.mkdtemp(prefix="chaos-soak-")
        self.tried = self.refused = self.found = self.peak_kib = 0
        self.codes = {}

    def write(self, name, scenario):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(scenario, f, indent=1)
        return path

    def told(self, arguments):
        return subprocess.run([self.program, *arguments], env=ENV, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)

    def misfits(self, tries):
        """Of {path: scenario} the paths that the loader refuses; one call for all of them."""
        told = self.told(["validate", *tries])
        if told.returncode in (0, 2):
            heads = {line.split(b":")[0].decode("utf-8", "replace") for line in told.stderr.splitlines()}
            return heads & set(tries)
        bad = set(tries)
        for path, scenario in tries.items():
            alone = self.told(["validate", path])
            if alone.returncode not in (0, 2):
                self.report("validate: exit %d" % alone.returncode, scenario, alone.stderr)
            elif alone.returncode == 0:
                bad.discard(path)
        return bad

    def valid(self, count):
        """So many scenarios that the loader takes: a fault that does not fit its world is left
        out by itself, as most of that world is fine."""
        found = []
        while len(found) < count:
            drawn = [self.maker.scenario() for _ in range(count - len(found))]
            tries = {}
            for i, scenario in enumerate(drawn):
                for k, entry in enumerate(scenario["method"]):
                    alone = dict(scenario, method=[entry])
                    tries[self.write("try-%d-%d.json" % (i, k), alone)] = alone
            bad = self.misfits(tries)
            self.refused += len(bad)
            for i, scenario in enumerate(drawn):
                scenario["method"] = [entry for k, entry in enumerate(scenario["method"])
                                      if os.path.join(self.folder, "try-%d-%d.json" % (i, k)) not in bad]
                if scenario["method"]:
                    found.append(scenario)
        return found

    def run_alone(self, scenario):
        """(exit code, stderr); None as code where it took longer than a minute."""
        try:
            told = subprocess.run([self.program, self.write("alone.json", scenario), "--quiet",
                                   "--no-plots", "--format", "json", "--out",
                                   os.path.join(self.folder, "alone")], env=ENV, timeout=120,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            return told.returncode, told.stderr
        except subprocess.TimeoutExpired:
            return None, b"took more than two minutes"

    def shrunk(self, scenario, code):
        """Without every fault, service and key that it does not take to fail like that."""
        again = True
        while again:
            again = False
            for smaller in self.smaller(scenario):
                if self.run_alone(smaller)[0] == code:
                    scenario, again = smaller, True
                    break
        return scenario

    def smaller(self, scenario):
        for place in ("method", "fleet.services", "fleet.zones"):
            node = scenario
            for word in place.split("."):
                node = node[word]
            for i in range(len(node)):
                less = copy.deepcopy(scenario)
                inner = less
                for word in place.split("."):
                    inner = inner[word]
                del inner[i]
                yield less
        for i, service in enumerate(scenario["fleet"]["services"]):
            for key in service:
                if key not in ("name", "service_time"):
                    less = copy.deepcopy(scenario)
                    del less["fleet"]["services"][i][key]
                    yield less

    def report(self, what, scenario, said):
        self.found += 1
        name = "soak-%d.json" % self.found
        with open(name, "w", encoding="utf-8") as f:
            json.dump(scenario, f, indent=1)
        print("%s: %s\n  %s" % (name, what, said.decode("utf-8", "replace").strip()[-800:]), flush=True)

    def run_together(self, scenarios):
        """One process for all; (KiB, descriptors), looked at 20 times a second."""
        place, out = os.path.join(self.folder, "batch"), os.path.join(self.folder, "out")
        for folder in (place, out):
            shutil.rmtree(folder, True)
        os.makedirs(place)
        for i, scenario in enumerate(scenarios):
            self.write("batch/%02d.json" % i, scenario)
        process = subprocess.Popen([self.program, place, "--quiet", "--no-plots", "--jobs", "1", "--out", out,
                                    "--format", "json"], env=ENV, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        sizes, descriptors = [], []
        while process.poll() is None:
            try:
                with open("/proc/%d/statm" % process.pid, encoding="ascii") as f:
                    sizes.append(int(f.read().split()[1]) * 4)
                descriptors.append(len(os.listdir("/proc/%d/fd" % process.pid)))
            except (OSError, IndexError):
                pass
            time.sleep(0.05)
        return sizes[1:], descriptors[1:]

    def batch(self):
        scenarios = self.valid(BATCH)
        sizes, descriptors = self.run_together(scenarios)
        self.tried += BATCH
        self.judge(scenarios, sizes, descriptors)

    def judge(self, scenarios, sizes, descriptors):
        out = os.path.join(self.folder, "out")
        for i, scenario in enumerate(scenarios):
            try:
                with open(os.path.join(out, "%02d" % i, "result.json"), encoding="utf-8") as f:
                    code = json.load(f)["exit_code"]
            except (OSError, ValueError):
                code = -1000
            self.codes[code] = self.codes.get(code, 0) + 1
            if code in GOOD:
                continue
            code, said = self.run_alone(scenario)
            if code in GOOD:
                self.report("no result among others, exit %d alone" % code, scenario, said)
            else:
                self.report("exit %s" % code, self.shrunk(scenario, code), said)
        third = len(sizes) // 3
        if third >= 5:
            self.peak_kib = max([self.peak_kib, *sizes])
            first, last = max(sizes[:third]), max(sizes[-third:])
            # Perhaps the largest world came last: twice the same is as large, unless it grows.
            twice = max(self.run_together(scenarios + scenarios)[0]) if last > 2 * first + 65536 else 0
            if twice > 1.2 * last + 16384:
                self.report("memory grows: %d KiB, and %d for the same again" % (last, twice),
                            {"batch": scenarios}, b"")
            if max(descriptors[-third:]) > max(descriptors[:third]) + 2:
                self.report("descriptors grow", {"batch": scenarios}, b"")


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    minutes = float(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("CHAOS_SOAK_MINUTES", "60"))
    soak = Soak(sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    end = time.monotonic() + 60 * minutes
    try:
        while time.monotonic() < end:
            soak.batch()
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(soak.folder, True)
        print("%d worlds (%d faults did not fit), exit codes %s, at most %d MiB, %d findings" % (
            soak.tried, soak.refused, dict(sorted(soak.codes.items())), soak.peak_kib // 1024,
            soak.found))
    return 1 if soak.found else 0


sys.exit(main())
