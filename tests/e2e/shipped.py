"""The shipped scenarios and whether their faults hurt: shared by the test and the benchmark.

A scenario bites in a replication when users of `untreated` have bad seconds that they
do not have in `calm`, the same world without faults. One that does not bite, or a
combination of its matrix, says why in `x_does_not_bite`.
"""
import csv
import glob
import json
import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scenarios")
PATHS = sorted(path for path in glob.glob(os.path.join(FOLDER, "*.json"))
               if not path.endswith(".schema.json"))
BITES_AT_LEAST = 0.95


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def rows(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f))


def stem(path):
    return os.path.basename(path)[:-len(".json")]


def results(folder, paths):
    """What a run over `paths` wrote: (path, combination of the matrix or "", folder)."""
    for path in paths:
        at = os.path.join(folder, stem(path))
        if "matrix" not in read(path).get("configuration", {}):
            yield path, "", at
            continue
        for combination in sorted(os.listdir(at)):
            yield path, combination, os.path.join(at, combination)


def excuse(path, combination):
    """Why it does not bite, or None."""
    why = read(path).get("x_does_not_bite")
    return why.get(combination) if isinstance(why, dict) else why


def harm_s(folder):
    """Seconds that the faults made bad for users where nobody heals, by replication."""
    bad = {(row["run"], row["arm"]): float(row["value"])
           for row in rows(os.path.join(folder, "metrics.csv"))
           if row["metric"] == "bad_seconds" and not row["service"]}
    return [bad[run, "untreated"] - bad[run, "calm"] for run, arm in sorted(bad) if arm == "untreated"]


def judge(path, combination, harm):
    """What is wrong with a scenario that hurt so much in each replication, or None.

    `x_does_not_bite` says why it never does, `x_does_not_always_bite` why life sometimes
    keeps it from biting: in half of the seeds it must all the same.
    """
    bitten = sum(seconds > 0 for seconds in harm)
    bites = bitten >= BITES_AT_LEAST * len(harm)
    if read(path).get("x_does_not_always_bite"):
        return None if 2 * bitten >= len(harm) else "it bites in less than half, and says more"
    if excuse(path, combination):
        return "it bites, and says that it does not" if bites else None
    return None if bites else "it does not bite, and does not say why"


# What the default strategy allows itself (healer/STRATEGY.md), and what puts something in force.
ACTIONS_AN_HOUR, ACTIONS_ON_AN_INSTANCE, TIMES_IN_FORCE = 30, 5, 4
ONCE_THROUGH_THE_LADDER = 8 # four levels of degradation, and back
MILD = ("escalate", "health_check", "enable_monitoring")
IN_FORCE = ("set_degradation", "shed_load", "scale_resources", "rollback_config", "rollback_deployment",
            "disable_health_check")


def excesses(actions):
    """What is too much of the actions of one replication, in words."""
    found, at, forced = [], {}, {}
    actions = sorted((a for a in actions if a["action"] not in MILD), key=lambda a: a["t"])
    for i, action in enumerate(actions):
        place = (action["service"], action["instance"])
        before = at.setdefault(place, [])
        if before and (before[-1]["finished"] is None or before[-1]["finished"] > action["t"]):
            found.append("%s of %s while %s is under way" % (action["action"], place, before[-1]["action"]))
        before.append(action)
        if action["action"] in IN_FORCE:
            kind = (action["service"], action["action"])
            forced[kind] = forced.get(kind, 0) + 1
        if sum(other["t"] < action["t"] + 3600 for other in actions[i:]) > ACTIONS_AN_HOUR:
            found.append("more than %d actions in the hour from %g s" % (ACTIONS_AN_HOUR, action["t"]))
    found += ["%d actions on %s" % (len(those), place) for place, those in at.items()
              if place[1] is not None and len(those) > ACTIONS_ON_AN_INSTANCE]
    return found + ["%s of %s %d times" % (kind[1], kind[0], times) for kind, times in forced.items()
                    if times > (ONCE_THROUGH_THE_LADDER if kind[1] == "set_degradation" else TIMES_IN_FORCE)]
