#!/usr/bin/env python3
"""What prediction is worth on the library's gradual faults: ./dev bench prediction

tests/bench/prediction.py CHAOS-RUN [RUNS]

Each scenario with the default strategy on seeds that nothing was tuned on (SEED),
30 replications unless RUNS says otherwise, and one quiet day. Prevented: incidents
of the untreated arm that did not happen and would have with prediction held back.
False: predictions that did not come true, of those judged; usable: foreseen incidents
with the minimum lead or more. Goals: prevented 60 %, false 20 % at most (and of all
quiet minutes 1 %), usable 80 %, one false preventive action a service-week at most.
"""
import json
import os
import subprocess
import sys
import tempfile

SEED = 8022611
SCENARIOS = ["disk", "pool", "fds", "tokens", "backlog", "cpu", "slow-deployment", "crash-loop",
             "decoy"]
LIBRARY = ["memory-leak", "quiet"]
COLUMNS = [("incidents", 9), ("prevented", 10), ("predicted", 10), ("false", 8), ("fpr", 8),
           ("usable", 8), ("lead", 8), ("false acts", 10)]


def metric(result, name, key="value", arm="treated"):
    entry = result["arms"].get(arm, {}).get("metrics", {}).get(name) or {}
    return entry.get(key)


def percent(value):
    return "-" if value is None else "%.0f %%" % (100 * value)


def run(program, path, runs, folder, library):
    subprocess.run([program, path, "--allow-path", library, "--seed", str(SEED), "--runs", str(runs), "--no-plots", "--quiet",
                    "--journal", "none", "--format", "json", "--out", folder],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with open(os.path.join(folder, "result.json"), encoding="utf-8") as stream:
        return json.load(stream)


def row(name, result):
    precision = metric(result, "precision")
    lead = metric(result, "lead_time")
    cells = [metric(result, "incidents", arm="untreated"), percent(metric(result, "prevention_rate")),
             percent(metric(result, "prevention_rate", "by_prediction")
                     if not isinstance(metric(result, "prevention_rate", "by_prediction"), dict)
                     else metric(result, "prevention_rate", "by_prediction").get("value")),
             percent(None if precision is None else 1 - precision),
             percent(metric(result, "false_positive_rate")),
             percent(metric(result, "usable_lead_ratio")),
             "-" if lead is None else "%.0f s" % lead, metric(result, "false_actions_per_week")]
    text = "%-17s" % name
    for cell, (_, width) in zip(cells, COLUMNS):
        text += "%*s" % (width + 2, "-" if cell is None else
                         cell if isinstance(cell, str) else "%.3g" % cell)
    print(text, flush=True)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30
    here = os.path.dirname(os.path.abspath(__file__))
    scenarios = os.path.abspath(os.path.join(here, "..", "..", "scenarios"))
    only = sys.argv[3:]
    print("%d replications, seed %d; by prediction: prevented, and not with it held back" % (runs, SEED))
    print("%-17s" % "" + "".join("%*s" % (width + 2, name) for name, width in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for name in SCENARIOS + LIBRARY:
            if only and name not in only:
                continue
            path = os.path.join(scenarios if name in LIBRARY else os.path.join(here, "prediction"),
                                name + ".json")
            row(name, run(program, path, 1 if name == "quiet" else runs,
                          os.path.join(folder, name), scenarios))
    return 0


sys.exit(main())
