#!/usr/bin/env python3
"""How good diagnosis is: ./dev bench diagnosis [runs=N] [only=KIND,...] [fleets=A,B] [seed=S]

tests/bench/diagnosis.py CHAOS-RUN [runs=N] [only=KIND,...] [fleets=NAME,...] [seed=S]

One injected fault at a time, of every kind that the place has, on three call graphs
(boutique, bookshop, parcels), under three planned changes a minute, with the default
strategy. What is judged is the program's own truth (`list metrics`):

top1, top3   diagnosed episodes about the fault whose first cause, or one of the first
             three, names a service that the fault acts on
target       actions that name one: who is to blame, and not its callers
action       actions of a kind that by mechanism cures it
seen         incidents that users felt and that were diagnosed at all

A row a kind with all three fleets together, `boutique 1/2` behind it where one of them
was not right always; then the pairs that look alike, each apart; then the aims.

Seeds 1 to 9999 are for development. This runs from HELD_OUT on, which nothing was
tuned on, 3 replications of each of the places unless `runs` says otherwise.
"""
import json
import os
import subprocess
import sys
import tempfile

HELD_OUT = 7702611
HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = os.path.abspath(os.path.join(HERE, "..", "..", "scenarios"))
LOOKALIKES = ["leak-in-code", "leak-of-a-version", "slow-process", "slow-host", "slow-edge",
              "errors-from-a-configuration", "errors-from-a-dependency"]

# Where things are in each fleet: an entry, a service of several instances and its
# callee, a way between two, and what only some have.
PLACES = {
    "boutique": {"load": "shoppers", "entry": "frontend", "rate": "100/s", "some": "cart",
                 "leaf": "product-catalogue", "way": ["cart", "redis-cart"],
                 "long_way": ["frontend", "product-catalogue"], "all": "currency"},
    "bookshop": {"load": "readers", "entry": "web", "rate": "100/s", "some": "orders", "leaf": "catalogue",
                 "way": ["web", "catalogue"], "long_way": ["web", "catalogue"], "all": "orders",
                 "cache": "catalogue", "database": "store", "pool": ["orders", "store"],
                 "queue": "invoices"},
    "parcels": {"load": "senders", "entry": "web", "rate": "100/s", "some": "orders", "leaf": "addresses",
                "way": ["web", "orders"], "long_way": ["web", "addresses"], "all": "addresses",
                "disk": "orders", "quota": "addresses"},
}

# kind: (target, arguments, entries beside it, for); a target is a role of PLACES with
# how many of its instances, or a way, a load or a zone.
KINDS = {
    "latency": ("way", {"delay": "1500ms"}),
    "latency_tail": ("way", {"share": "10%", "delay": "2s"}),
    "bandwidth": ("way", {"rate": "200KiB/s"}),
    "connection_reset": ("way", {"rate": "50%"}),
    "packet_loss": ("way", {"rate": "30%", "burst": 5}),
    "slow_close": ("way", {"delay": "6s"}),
    "error": ("all", {"rate": "40%"}),
    "timeout": ("some one", {}),
    "dns_failure": ("all", {}),
    "certificate_expiry": ("all", {}),
    "data_corruption": ("database", {"rate": "10%"}),
    "partition": ("zone", {}),
    "zone_outage": ("zone", {}),
    "cpu_pressure": ("leaf one", {"load": "6000%"}),
    "shared_host": ("leaf one", {"load": "6000%"}),
    "memory_pressure": ("some one", {"share": "75%"}),
    "memory_leak": ("some one", {"rate": "8MiB/s"}),
    "disk_fill": ("disk 2", {"rate": "180MiB/s"}),
    "io_delay": ("some one", {"delay": "900ms"}),
    "fd_exhaustion": ("entry one", {"share": "100%"}),
    "connection_pool_exhaustion": ("pool", {"share": "100%"}),
    "connection_drop": ("pool", {"share": "50%"}),
    "token_exhaustion": ("quota", {}),
    "quota_cut": ("quota", {"share": "75%"}),
    "gc_pause": ("some all", {"pause": "900ms", "every": "3s"}),
    "thread_starvation": ("entry all", {"share": "95%"}),
    "crash": ("some one", {}),
    "oom_kill": ("some all", {}),
    "crash_loop": ("some one", {"life": "5s"}),
    "hang": ("some one", {}),
    "pause": ("some one", {}),
    "zombie": ("some one", {}),
    "instance_flap": ("some one", {"up": "15s", "down": "10s"}),
    "database_failover": ("database", {"time": "60s"}),
    "replica_lag": ("database", {"lag": "3m"}),
    "split_brain": ("database", {}),
    "lock_contention": ("database", {"share": "100%"}),
    "cache_loss": ("cache", {"share": "100%"}),
    "poison_message": ("queue", {"share": "1%"}),
    "consumer_lag": ("queue", {"factor": 20}),
    "bad_deployment": ("leaf", {"error_rate": "30%"}),
    "bad_configuration": ("leaf", {"parameter": "error_rate", "value": 0.4}),
    "dependency_failure": ("all", {"rate": "60%"}),
    "api_failure": ("all", {"rate": "80%"}),
    "misroute": ("leaf", {"share": "30%"}),
    "health_check_fault": ("some", {"mode": "readiness"}),
    "credential_stale": ("some", {}),
    "clock_skew": ("leaf one", {"offset": "2m"}),
    "clock_jump": ("entry one", {"offset": "1h"}),
    "gray_failure": ("leaf one", {"share": "60%", "delay": "2s", "error_rate": "60%"}),
    "cascade": ("some", {"kinds": ["hang", "error"], "delay": "20s"}),
    "traffic_surge": ("load", {"factor": 12}),
    "costly_request": ("load", {"share": "8%", "factor": 60}),
    "poison_request": ("load", {"share": "0.2%"}),
}


def options(words):
    known = {"runs": 3, "only": "", "fleets": ",".join(PLACES), "seed": HELD_OUT, "out": ""}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known or not value:
            print(__doc__, file=sys.stderr)
            sys.exit(2)
        known[key] = value
    known["only"] = [kind for kind in known["only"].split(",") if kind] or list(KINDS)
    known["fleets"] = known["fleets"].split(",")
    return known


def target(role, place):
    """The target of a fault in that fleet, or None: it has no such place."""
    word, _, instances = role.partition(" ")
    if word == "zone":
        return {"zone": "b"}
    if word == "load":
        return {"load": place["load"]}
    if word not in place:
        return None
    if isinstance(place[word], list):
        return {"from": place[word][0], "to": place[word][1]}
    found = {"service": place[word]}
    if instances:
        found["instances"] = int(instances) if instances.isdigit() else instances
    return found


def scenario(kind, name):
    role, arguments = KINDS[kind]
    place = PLACES[name]
    where = target(role, place)
    if where is None:
        return None
    with open(os.path.join(SCENARIOS, "fleets", name + ".json"), encoding="utf-8") as stream:
        fleet = json.load(stream)
    fleet.pop("$schema")
    for service in fleet["services"]:
        service.setdefault("memory", {"base": "160MiB", "per_request": "256KiB", "limit": "512MiB"})
        service.setdefault("fds", {"limit": 256})
    entry = {"name": "it", "fault": kind, "target": where, "at": "1m", "arguments": arguments}
    if kind not in ("crash", "oom_kill", "connection_drop", "database_failover", "memory_leak"):
        entry["duration"] = "2m"
    return {"version": 1, "title": "%s in the %s" % (kind, name), "seed": 1, "duration": "4m",
            "warmup": "1m", "fleet": fleet, "healer": "default", "method": [entry],
            "load": [{"name": place["load"], "to": place["entry"], "process": "poisson",
                      "rate": place["rate"], "timeout": "5s"}],
            "background": [{"kind": change, "rate": "60/h"} for change in
                           ("good_deployment", "configuration_change", "benign_restart")]}


def run(program, path, runs, seed, out):
    done = subprocess.run([program, path, "--seed", str(seed), "--runs", str(runs), "--no-plots",
                           "--quiet", "--journal", "none", "--format", "json", "--allow-path", SCENARIOS,
                           "--out", out],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    try:
        with open(os.path.join(out, "result.json"), encoding="utf-8") as stream:
            return json.load(stream)
    except OSError:
        print("%s: exit %d: %s" % (os.path.basename(path), done.returncode, done.stderr.strip()[-300:]))
        return None


METRICS = [("top1", "root_cause_top1"), ("top3", "root_cause_top3"), ("target", "right_target_ratio"),
           ("action", "right_action_ratio")]


def counts(result):
    """Of each metric (right, all), and of incidents (diagnosed, felt)."""
    treated = result["arms"]["treated"]
    found = {}
    for short, name in METRICS:
        entry = treated["metrics"].get(name) or {}
        found[short] = (entry.get("numerator") or 0, entry.get("denominator") or 0)
    missed = treated["metrics"].get("missed_ratio") or {}
    felt = missed.get("denominator") or 0
    found["seen"] = (felt - (missed.get("numerator") or 0), felt)
    return found


def add(all_of, one):
    return {key: (all_of.get(key, (0, 0))[0] + top, all_of.get(key, (0, 0))[1] + bottom)
            for key, (top, bottom) in one.items()}


COLUMNS = [short for short, _ in METRICS] + ["seen"]


def shown(pair):
    return "-" if not pair[1] else "%.0f%% of %d" % (100 * pair[0] / pair[1], pair[1])


def row(name, found, note=""):
    print("%-28s" % name + "".join("%14s" % shown(found.get(key, (0, 0))) for key in COLUMNS) +
          ("   " + note if note else ""), flush=True)


def aim(text, pair, least):
    share = pair[0] / pair[1] if pair[1] else None
    print("  %-58s %8s   %s" % (text, "-" if share is None else "%.1f %%" % (100 * share),
                                "?" if share is None else "met" if share >= least else "MISSED"))


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    chosen = options(sys.argv[2:])
    runs, seed = int(chosen["runs"]), int(chosen["seed"])
    print("%d replications of each place, seed %d%s" % (runs, seed,
                                                        " (held out)" if seed == HELD_OUT else ""))
    print("%-28s" % "" + "".join("%14s" % key for key in COLUMNS))
    total, fleets = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = chosen["out"] or folder
        os.makedirs(folder, exist_ok=True)
        for kind in chosen["only"]:
            of_kind, notes = {}, []
            for name in chosen["fleets"]:
                told = scenario(kind, name)
                if told is None:
                    continue
                path = os.path.join(folder, "%s-%s.json" % (kind, name))
                with open(path, "w", encoding="utf-8") as stream:
                    json.dump(told, stream)
                result = run(sys.argv[1], path, runs, seed, path[:-len(".json")])
                if result is None:
                    return 1
                found = counts(result)
                of_kind = add(of_kind, found)
                fleets[name] = add(fleets.get(name, {}), found)
                if found["top1"][0] < found["top1"][1]:
                    notes.append("%s %d/%d" % (name, *found["top1"]))
                elif not found["top1"][1]:
                    notes.append("%s none" % name)
            total = add(total, of_kind)
            if of_kind:
                row(kind, of_kind, ", ".join(notes))
        if chosen["only"] == list(KINDS):
            print("lookalikes")
            for name in LOOKALIKES:
                result = run(sys.argv[1], os.path.join(SCENARIOS, "lookalike-%s.json" % name), runs,
                             seed, os.path.join(folder, "lookalike-" + name))
                if result is None:
                    return 1
                row("  " + name, counts(result))
    print("fleets")
    for name, found in fleets.items():
        row("  " + name, found)
    row("all", total)
    print("aims:")
    aim("the true cause first >= 80 %", total["top1"], 0.80)
    aim("among the first three >= 95 %", total["top3"], 0.95)
    aim("the service to blame and not its callers >= 85 %", total["target"], 0.85)
    return 0


if __name__ == "__main__":
    sys.exit(main())
