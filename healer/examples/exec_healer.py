#!/usr/bin/env python3
"""A healer of one's own: restarts an instance that fails for two samples in a row.

Try it:  chaos-run crash.json --strategy "exec:python3 exec_healer.py"
"""
import json
import sys

BAD = 0.5  # share of failed answers
hello = json.loads(sys.stdin.readline())
print("%d instances to watch" % len(hello["topology"]["instances"]), file=sys.stderr)
bad_for = {}  # instance -> samples in a row
treated = {}  # instance -> episode that is open
count = 0

for line in sys.stdin:
    wake = json.loads(line)
    answer = {"alarms": [], "episodes": [], "actions": [], "next_wake": None}
    for batch in wake["telemetry"]:
        for sample in batch["instances"]:
            name = sample["instance"]
            bad_for[name] = bad_for.get(name, 0) + 1 if sample.get("error_ratio", 0) > BAD else 0
            if bad_for[name] == 2 and name not in treated:
                count += 1
                treated[name] = count
                answer["alarms"].append({"id": count, "episode": count, "instance": name, "type": "execution_error",
                                         "severity": "high", "metric": "error_rate", "value": sample["error_ratio"]})
                answer["episodes"].append({"episode": count, "instance": name, "state": "opened"})
                answer["actions"].append({"id": count, "episode": count, "action": "restart_instance", "instance": name})
    for result in wake["results"]:
        episode = treated.pop(result["instance"])
        state = "claimed" if result["ok"] else "failed"
        answer["episodes"].append({"episode": episode, "instance": result["instance"], "state": state})
    print(json.dumps(answer), flush=True)
