"""What holds for every kind of fault, on every target that it takes, in a whole run.

Looped over the table of the program itself, with all entries in one scenario:

- Zero effect is zero. With the probability 0, and with the values that the rows call
  neutral, series and journal are those of the run without, but for the entries' own
  records. In the world something real is wrong too, so that the healer has work, and it
  has what every kind acts on. Which entry it was is found by playing them alone.
- A run that is cut short by a stop condition lifts them all at that time, in all arms, and
  nothing of them stays on the fleet. (An interrupted run counts whole replications only:
  test_interruption.py.)
"""
import json
import os
import unittest

import chaos

WORLD = {
    "version": 1, "title": "all that faults act on", "seed": 5, "duration": "150s", "warmup": "60s",
    "cooldown": "60s",
    "fleet": {
        "zones": [{"name": "a"}, {"name": "b"}],
        "telemetry": {"interval": "5s", "delay": "1s"},
        "services": [
            {"name": "front", "instances": 2, "concurrency": 8, "queue": 64,
             "service_time": {"dist": "lognormal", "p50": "4ms", "p99": "20ms"},
             "calls": [{"to": "pages", "timeout": "2s", "probability": 0.5, "pool": 32,
                        "fallback": {"kind": "static", "quality": 0.9}},
                       {"to": "orders", "timeout": "2s", "probability": 0.5}],
             "memory": {"base": "200MiB", "per_request": "1MiB", "limit": "512MiB"},
             "disk": {"size": "1GiB"}, "fds": {"limit": 256},
             "quota": {"limit": 1000, "window": "1s"},
             "features": [{"name": "ranking", "cost": 0.3, "quality": 0.2, "priority": 1}],
             "health_check": {"period": "5s", "timeout": "1s"},
             "restart_time": "5s", "boot_time": "10s", "slo": {"target": "99%", "latency": "400ms"}},
            {"name": "pages", "instances": 2, "concurrency": 8, "queue": 64, "service_time": "1ms",
             "data": {"cache": {"hit_ratio": "80%", "warm_up": "5s", "backend": "store"}},
             "calls": [{"to": "store", "timeout": "1s", "pool": 16}],
             "slo": {"target": "99%", "latency": "400ms"}},
            {"name": "orders", "instances": 2, "concurrency": 8, "queue": 64, "service_time": "3ms",
             "calls": [{"to": "store", "timeout": "1s", "pool": 16}, {"to": "jobs", "timeout": "1s"}],
             "autoscaler": {"metric": "cpu", "target": "60%", "min": 1, "max": 4},
             "slo": {"target": "99%", "latency": "400ms"}},
            {"name": "store", "concurrency": 4, "queue": 64, "service_time": "4ms",
             "data": {"database": {"replicas": 1, "lag": "20ms", "lock_share": "20%"}},
             "slo": {"target": "99%", "latency": "400ms"}},
            {"name": "jobs", "instances": 2, "concurrency": 2, "service_time": "10ms",
             "data": {"queue": {"redelivery": "5s", "max": 200}}},
        ],
    },
    "load": [{"name": "people", "to": "front", "process": "poisson", "rate": "30/s", "timeout": "5s"}],
    "background": [{"kind": "good_deployment", "rate": "60/h"}],
    "healer": "default",
    "method": [{"name": "real", "fault": "error", "target": {"service": "orders", "instances": "one"},
                "at": "20s", "duration": "60s"}],
    "replications": 1,
}
# Where a kind finds what it acts on; front has the rest.
SERVICE_OF = {"cache_loss": "pages", "database_failover": "store", "replica_lag": "store",
              "lock_contention": "store", "split_brain": "store", "data_corruption": "store",
              "poison_message": "jobs", "consumer_lag": "jobs", "autoscaler_fault": "orders"}
# Something that would be seen.
STRONG = {"duration": "2s", "ratio": 0.5, "share": 2, "count": 500, "factor": 5, "size": "400MiB",
          "size per time": "1MiB/s", "percentage per time": "50%/min", "true or false": True,
          "feature of the target": "ranking", "list of kinds": ["hang", "error"]}
# Beside the arguments that ramp: these alone make a kind do nothing.
NOTHING = [("latency_tail", {"share": 0}), ("connection_drop", {"share": 0}), ("cache_loss", {"share": 0}),
           ("thundering_herd", {"share": 0}), ("gray_failure", {"share": 0}), ("gc_pause", {"pause": "0s"}),
           ("clock_drift", {"rate": 0}), ("clock_jump", {"offset": "0s"}), ("peer_cost", {"per_instance": 0}),
           ("slow_start", {"factor": 1}), ("costly_request", {"factor": 1}),
           ("bad_deployment", {"canary_share": 0}),
           ("bad_deployment", {"error_rate": 0, "slowdown": 1, "leak": "0B/s"}),
           ("decoy_precursor", {"slope": "0%/min"})]


def target_of(kind, form):
    service = SERVICE_OF.get(kind, "front")
    return {"instances": {"service": service}, "service": {"service": service},
            "edge": {"from": "orders", "to": "store"}, "zone": {"zone": "a"},
            "zones": {"from": "a", "to": "b"}, "load": {"load": "people"},
            "healer": {"from": "fleet", "to": "healer"}, "none": None}[form]


def strong(kind, form, row):
    if row["unit"] == "key of the target":
        return "timeout" if form == "edge" else "error_rate"
    if row["unit"] == "value of that key":
        return "1ms" if form == "edge" else 0.5
    if row["unit"] == "name of an entry":
        return "bad_configuration service"
    if row["unit"] == "choice":
        return row["choices"][0]
    return STRONG[row["unit"]]


def entry_of(row, form, arguments, **keys):
    kind = row["name"]
    entry = {"name": "%s %s" % (kind, form), "fault": kind, "at": "15s", "duration": "90s",
             "arguments": {**{a["name"]: strong(kind, form, a) for a in row["arguments"]
                              if a["required"] or a["unit"] == "ratio" or row["one_of"]}, **arguments},
             **keys}
    if target_of(kind, form) is not None:
        entry["target"] = target_of(kind, form)
    return entry


class Table(chaos.Case):
    def table(self):
        return json.loads(self.chaos("list", "faults", "--json").out)


class Zero(Table):
    def seen(self, name, more):
        """What a run leaves behind, but for the records of the faults in `more`: lines of the
        journal, the series, and the names of those faults that say they touched something."""
        path = self.write(name + ".json", {**WORLD, "method": WORLD["method"] + more})
        told = self.chaos(path, "--out", self.path(name), "--no-plots", "--quiet", "--journal", "telemetry",
                          "--format", "json,journal")
        self.assertIn(told.code, (0, 1, 4, 6), told)
        own = {entry["name"] for entry in more}
        with open(self.path(name, "journal.jsonl"), encoding="utf-8") as f:
            lines = [line for line in map(json.loads, f) if line.get("fault") not in own]
        with open(self.path(name, "series.csv"), encoding="utf-8") as f:
            series = f.read()
        return lines, series, [fault["name"] for fault in self.result(name)["faults"]
                               if fault["name"] in own and (fault["touched"] or fault["effective"])]

    def assert_nothing(self, entries):
        plain, zero = self.seen("plain", []), self.seen("zero", entries)
        self.assertGreater(len(plain[0]), 500)
        self.assertEqual([], zero[2], "they touched something")
        if plain == zero:
            return
        for entry in entries:
            alone = [e for e in entries if e is entry or e["name"] == entry["arguments"].get("undoes")]
            with self.subTest(entry=entry["name"], arguments=entry["arguments"]):
                self.assertTrue(plain == self.seen("alone", alone), "the run is another")
        self.fail("they do something together")

    def test_probability_0(self):
        self.assert_nothing([entry_of(row, form, {}, probability=0)
                             for row in self.table() for form in row["targets"]])

    def test_the_neutral_values_of_what_ramps(self):
        entries = []
        for row in self.table():
            neutral = {a["name"]: a["neutral"] if a["unit"] not in ("factor", "count")
                       else float(a["neutral"]) for a in row["arguments"] if a["ramps"]}
            for name, value in neutral.items():
                if isinstance(value, float) and value == int(value):
                    neutral[name] = int(value)
            if neutral:
                entries += [entry_of(row, form, neutral) for form in row["targets"]]
        self.assertGreater(len(entries), 40)
        self.assert_nothing(entries)

    def test_what_does_nothing_for_want_of_something_else(self):
        rows = {row["name"]: row for row in self.table()}
        self.assert_nothing([entry_of(rows[kind], form, arguments, name="%s %s %d" % (kind, form, i))
                             for i, (kind, arguments) in enumerate(NOTHING)
                             for form in rows[kind]["targets"]])


class CutShort(Table):
    def entries(self):
        """One of each kind and target, all at once, long beyond the cut."""
        return [entry_of(row, form, {}, duration="120s") for row in self.table() for form in row["targets"]]

    def test_a_stop_condition_lifts_all_of_them(self):
        entries = self.entries()
        path = self.write("stop.json", {**WORLD, "healer": "none", "method": entries, "stop_conditions": [
            {"name": "enough", "metric": "availability", "tolerance": ">= 50%", "window": "10s", "for": "10s"}]})
        told = self.chaos(path, "--out", self.path("out"), "--no-plots", "--quiet", "--format", "json,journal")
        self.assertIn(told.code, (4, 5), told)  # what all of them did at once left some nobody to hurt
        self.assertTrue(self.result()["flags"]["stopped"])
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        end = {line["arm"]: line["t"] for line in lines if line["type"] == "run_ended"}
        self.assertEqual(1, len(set(end.values())))
        self.assertTrue(20 <= end["treated"] < 60, end)
        names = {entry["name"] for entry in entries}
        for arm in ("treated", "untreated", "shadow"):
            if arm not in end:
                continue
            began, ended = ({line["fault"]: line["t"] for line in lines
                             if line["arm"] == arm and line["type"] == word}
                            for word in ("fault_started", "fault_ended"))
            self.assertEqual(names, set(began))
            self.assertEqual(names, set(ended), "not lifted")
            late = {name: t for name, t in ended.items() if t > end[arm]}
            self.assertEqual({}, late)
        holds = {row["name"]: row["holds"] for row in self.result()["invariants"]}
        self.assertTrue(holds and all(holds.values()), holds)
        self.assertTrue(any("overlay" in name for name in holds), holds)


if __name__ == "__main__":
    unittest.main()
