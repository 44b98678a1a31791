#!/usr/bin/env python3
"""What healing is worth over the whole library: ./dev bench healing [runs=N] [only=A,B] [seed=S] [floor=1]

tests/bench/healing.py CHAOS-RUN [runs=N] [only=NAME,...] [seed=S] [floor=1]

Every scenario of scenarios/ with its own healer (the default strategy) against
`untreated`: the platform's own means and the human on call. A row a scenario, a
combination of a matrix each; then what was aimed at, and whether it was met.

Seeds: the scenarios' own (1 and the like) are for development. This runs HELD_OUT,
which nothing was tuned on, 30 replications unless `runs` says otherwise.

harm      averted failed requests a run, and its 95 % interval; `!` where all of it is
          below 0: healing did more harm than none
bad s     seconds in which users were hurt, treated / untreated
restore   time to restore, treated / untreated, s; MTTR of treated beside it
true, ver, said   healings that were one, that the healer verified, that it claimed
induced   incidents that only the treated arm has, a run
human     share of incidents that a human touched
false     actions of episodes about nothing, and a service-week

floor=1 runs the reference healers, too, and says beside the aims in how many scenarios
anything can be averted at all (by the oracle, AVERTABLE of the failed requests at
least), and the median among these. It takes some times as long.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HELD_OUT = 5502611
HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = os.path.abspath(os.path.join(HERE, "..", "..", "scenarios"))
AVERTABLE = 0.05
LONG_DAYS = {"quiet": 3} # runs of it at most: each is a day


def options(words):
    known = {"runs": 30, "only": "", "seed": HELD_OUT, "out": "", "floor": 0}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known or not value:
            print(__doc__, file=sys.stderr)
            sys.exit(2)
        known[key] = value
    only = [name for name in known["only"].split(",") if name]
    return int(known["runs"]), only, int(known["seed"]), known["out"], bool(int(known["floor"]))


def scenarios(only):
    names = sorted(name[:-len(".json")] for name in os.listdir(SCENARIOS)
                   if name.endswith(".json") and not name.endswith(".schema.json"))
    unknown = set(only) - set(names)
    if unknown:
        print("no scenario %s" % " ".join(sorted(unknown)), file=sys.stderr)
        sys.exit(2)
    return [name for name in names if not only or name in only]


def run(program, name, runs, seed, folder, floor):
    """Pairs of (row, result); a matrix gives one for each combination."""
    path = os.path.join(SCENARIOS, name + ".json")
    out = os.path.join(folder, name)
    more = []
    if floor:
        more += ["--floor"]
    if "${trace}" in open(path, encoding="utf-8").read():
        more += ["--var", "trace=" + os.path.join(SCENARIOS, "traces", "shop-day.csv")]
    done = subprocess.run([program, path, *more, "--seed", str(seed), "--runs",
                           str(min(runs, LONG_DAYS.get(name, runs))), "--no-plots", "--quiet",
                           "--journal", "none", "--format", "json", "--out", out],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    found = []
    for where, _, files in sorted(os.walk(out)):
        if "result.json" in files:
            with open(os.path.join(where, "result.json"), encoding="utf-8") as stream:
                tail = os.path.relpath(where, out)
                found.append((name if tail == "." else name + "/" + tail, json.load(stream)))
    if not found:
        print("%-38s  exit %d: %s" % (name, done.returncode, done.stderr.strip()[-160:]), flush=True)
    return found


def metric(result, name, arm="treated", key="value"):
    entry = result["arms"].get(arm, {}).get("metrics", {}).get(name) or {}
    return entry.get(key)


def parts(result, name):
    """(numerator, denominator) of a ratio of the treated arm."""
    top, bottom = metric(result, name, key="numerator"), metric(result, name, key="denominator")
    return (0, 0) if top is None or bottom is None else (top, bottom)


def shown(value, form="%.0f"):
    return "-" if value is None else form % value


def percent(value):
    return shown(None if value is None else 100 * value, "%.0f%%")


def harms(result):
    high = metric(result, "averted_harm", key="high")
    return high is not None and high < 0


def row(name, result):
    cells = [
        (shown(metric(result, "averted_harm")), 9),
        ("%s..%s%s" % (shown(metric(result, "averted_harm", key="low")),
                       shown(metric(result, "averted_harm", key="high")),
                       "!" if harms(result) else ""), 18),
        ("%s/%s" % (shown(metric(result, "bad_seconds")),
                    shown(metric(result, "bad_seconds", "untreated"))), 11),
        ("%s/%s" % (shown(metric(result, "time_to_restore")),
                    shown(metric(result, "time_to_restore", "untreated"))), 11),
        (shown(metric(result, "mttr")), 6),
        (percent(metric(result, "healing_success_rate")), 6),
        (percent(metric(result, "healing_success_verified")), 6),
        (percent(metric(result, "healing_success_claimed")), 6),
        (shown(metric(result, "induced_incidents"), "%.1f"), 8),
        (percent(metric(result, "manual_ratio")), 6),
        ("%s %s" % (shown(parts(result, "false_actions_per_week")[0]),
                    shown(metric(result, "false_actions_per_week"))), 9),
    ]
    print("%-38s" % name[:38] + "".join("%*s" % (width + 1, cell) for cell, width in cells), flush=True)


def head():
    names = [("averted", 9), ("95 %", 18), ("bad s", 11), ("restore", 11), ("MTTR", 6), ("true", 6),
             ("ver", 6), ("said", 6), ("induced", 8), ("human", 6), ("false", 9)]
    print("%-38s" % "" + "".join("%*s" % (width + 1, name) for name, width in names), flush=True)


# ---- what was aimed at


def total(results, name):
    pairs = [parts(result, name) for _, result in results]
    bottom = sum(pair[1] for pair in pairs)
    return sum(pair[0] for pair in pairs) / bottom if bottom else None


def lower(results):
    """By how much time to restore is lower, of each scenario that hurts users untreated."""
    shares = []
    for _, result in results:
        treated, untreated = (metric(result, "time_to_restore", arm) for arm in ("treated", "untreated"))
        if treated is not None and untreated:
            shares.append(1 - treated / untreated)
    return shares


def avertable(result):
    """Whether the oracle averts a part of the failed requests; None: nobody asked it."""
    for healer in (result.get("floor") or {}).get("healers", []):
        if not healer["name"].endswith("oracle"):
            continue
        averted = (healer["metrics"].get("averted_harm") or {}).get("value")
        failed = metric(result, "failed_requests", "untreated")
        return bool(failed) and averted is not None and averted >= AVERTABLE * failed
    return None


def judge_avertable(results):
    """The median among scenarios in which something can be averted, if the oracle was asked."""
    known = [(avertable(result), result) for _, result in results if lower([("", result)])]
    if all(answer is None for answer, _ in known):
        return
    able = [("", result) for answer, result in known if answer]
    shares = lower(able)
    median = 100 * statistics.median(shares) if shares else None
    aim("  (scenarios of %d in which the oracle averts anything)" % len(known), len(able), True, "%d")
    aim("  (time to restore, lower in the median of these by >= 70 %)", median,
        median is not None and median >= 70)


def aim(text, value, met, form="%.1f %%"):
    print("  %-62s %12s   %s" % (text, "-" if value is None else form % value,
                                 "?" if value is None else "met" if met else "MISSED"))


def judge(results):
    def points(name):
        value = total(results, name)
        return None if value is None else 100 * value

    true, said, human = (points(name) for name in ("healing_success_rate", "healing_success_claimed",
                                                   "manual_ratio"))
    verified = points("healing_success_verified")
    shares = lower(results)
    median = 100 * statistics.median(shares) if shares else None
    harmful = [name for name, result in results if harms(result)]
    quiet = [(name, result) for name, result in results if name == "quiet"]
    false = total(quiet or results, "false_actions_per_week")
    print("aims, over %d scenarios:" % len(results))
    aim("time to restore, lower in the median scenario by >= 70 %", median, median is not None and median >= 70)
    reached = sum(share >= 0.70 for share in shares)
    aim("  (scenarios that reach that, of %d)" % len(shares), reached, 2 * reached > len(shares), "%d")
    none = sum(share < 0.05 for share in shares)
    aim("  (scenarios where nothing is gained)", none, True, "%d")
    judge_avertable(results)
    aim("true success >= 85 %", true, true is not None and true >= 85)
    aim("human touches < 10 % of incidents", human, human is not None and human < 10)
    gap = None if true is None or said is None else said - true
    aim("claimed minus true < 5 points", gap, gap is not None and gap < 5, "%.1f points")
    gap = None if true is None or verified is None else verified - true
    aim("  (verified minus true)", gap, gap is not None and gap < 5, "%.1f points")
    aim("no scenario with more harm than none", len(harmful), not harmful, "%d")
    aim("<= 1 false action a service-week%s" % (", on the quiet day" if quiet else ""), false,
        false is not None and false <= 1, "%.2f")
    if quiet:
        aim("  (of all scenarios, under a change a minute)", total(results, "false_actions_per_week"), True, "%.2f")
    for name in harmful:
        print("  more harm than none: %s" % name)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    runs, only, seed, out, floor = options(sys.argv[2:])
    print("%d replications, seed %d%s" % (runs, seed, " (held out)" if seed == HELD_OUT else ""))
    head()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name in scenarios(only):
            for title, result in run(sys.argv[1], name, runs, seed, out or folder, floor):
                results.append((title, result))
                row(title, result)
    judge(results)
    return 0 if results else 1


sys.exit(main())
