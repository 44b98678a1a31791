#!/usr/bin/env python3
"""The published JSON Schema says what the loader says, as far as a schema can.

    schema.py SOURCE_ROOT

Every shipped scenario and fleet is valid under scenarios/scenario.schema.json,
and every sample of tests/data/invalid is not, but for those whose fault is not
in the file's shape (BEYOND below, each with the reason). A sample that stands
there although the schema does see it fails the test too, so that the list
cannot rot. Needs python3-jsonschema; exits 77 (skipped) without it.
"""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed: skipped")
    sys.exit(77)

NAMES = "a name that nothing has, or that two things have"
NUMBERS = "two values that do not go together"
TARGETS = "something that the target does not have"
FILES = "in another file"
LIMITS = "a limit in units"
ORDER = "what comes after what"
SAFETY = "what the file's own safety forbids"
STRATEGY = "what a strategy says, which is not this schema's"
ARGUMENTS = "on the command line"

BEYOND = {
    NAMES: """analysis-twice call-to-nobody call-twice fault-names-numbered load-to-nobody load-name-twice service-twice zone-twice
        zone-unknown background-target fault-name-twice target-unknown-service target-list-range
        target-too-many target-zone-unknown target-zone-empty target-edge-missing
        target-edge-unknown steady-state-service threshold-fault threshold-label-service
        fault-cascade-kind-with-arguments fault-zones-same fault-zones-error fault-poison-request-target
        fault-disk-fill-without-disk fault-quota-cut-without-quota
        variable-unknown fault-healer-line fault-healer-line-latency version-name-twice
        cache-backend-itself cache-backend-unknown actor-undoes-itself actor-undoes-nobody
        feature-name-twice flip-unknown-feature flip-without-features
        autoscaler-fault-without-one health-check-fault-without-one
        group-name-taken monkey-no-such-target monkey-unknown-service
        random-exclude-unknown random-nothing-left random-of-index random-of-unknown
        random-of-zone-unknown random-too-many safety-protected-unknown stop-service stop-twice
        timing-after-unknown timing-when-action timing-when-service
        load-classes-twice steady-state-probe-twice variable-without-end""",
    ORDER: """group-serial-endless monkey-after-when monkey-after-when-in-serial timing-after-cycle timing-after-endless
        timing-after-itself timing-after-monkey timing-after-rate timing-after-repeat-without-count
        timing-probe-after-when""",
    SAFETY: """safety-in-group safety-in-monkey safety-max-targets safety-mode-zone
        safety-not-allowed safety-nothing-allowed safety-protected safety-protected-random
        safety-protected-zone""",
    NUMBERS: """features-cost features-quality autoscaler-max-below-min autoscaler-start-outside call-backoff-max-below call-cycle call-cycle-self call-explosion dist-branches-sum
        configuration-parameter-of-a-call
        dist-lognormal-order dist-uniform-order evaluation-lead fault-at-late load-classes-sum
        load-profile-steps memory-limit-below-base operations-windows
        disk-used-above-size quota-cost-above-limit call-timeout-below-network
        probe-tolerance-bounds group-late telemetry-detail variable-type version-memory-limit
        matrix-too-many matrix-value-wrong timing-rate-too-often timing-repeat-jitter
        timing-repeat-too-often
        cache-cycle database-replicas-and-instances fds-per-call-above-limit steady-longer-than-warm-up
        target-list-and-zone""",
    TARGETS: """monkey-needs random-needs-cache random-needs-disk fault-cache-without-cache fault-database-without-database fault-fds-without-fds
        fault-lag-without-replica fault-lock-without-database fault-poison-without-queue
        fault-pool-of-callee fault-pool-without-pool fault-split-without-replica""",
    FILES: """dist-empirical-file fleet-file-broken fleet-file-missing fleet-file-outside
        fleet-file-wrong outputs-outside trace-all-zero trace-a-folder trace-bad-rows trace-binary trace-empty trace-missing
        trace-outside trace-per-for-arrivals trace-without-per""",
    LIMITS: """analysis-margin-unit duration-overflow duration-too-long fault-argument-range seed-too-large
        fault-decoy-slope-range fault-healer-crash-for fault-bandwidth-zero
        slo-window-fraction probe-tolerance-unreadable""",
    STRATEGY: "strategy-ladder-long strategy-ladder-type",
    ARGUMENTS: "only-unknown set-nowhere set-wrong-value var-no-equals var-twice var-type var-unknown",
}


class Duplicate(Exception):
    pass


def strict_object(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Duplicate
    return dict(pairs)


def refuse_constant(name):
    raise ValueError(name)


def read(path):
    """The values of a file, or None when the text itself is at fault."""
    try:
        return (json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=strict_object,
                           parse_constant=refuse_constant),)
    except (ValueError, Duplicate, RecursionError):
        return None


def check_shipped(root, validator, fleet_validator):
    failures = 0
    scenarios = sorted(root.glob("scenarios/*.json"))
    assert scenarios, "no scenario found"
    for path in scenarios:
        if path.name.endswith(".schema.json"):
            continue
        for error in validator.iter_errors(read(path)[0]):
            print(f"{path.name}: {error.json_path}: {error.message[:200]}")
            failures += 1
    for path in sorted(root.glob("scenarios/fleets/*.json")):
        for error in fleet_validator.iter_errors(read(path)[0]):
            print(f"{path.name}: {error.json_path}: {error.message[:200]}")
            failures += 1
    return failures


def check_invalid(root, validator):
    beyond = {name: why for why, names in BEYOND.items() for name in names.split()}
    failures = seen = 0
    for folder in sorted((root / "tests/data/invalid").iterdir()):
        document = read(folder / "scenario.json")
        if document is None:
            continue  # not JSON: no schema gets to see it
        seen += 1
        valid = validator.is_valid(document[0])
        if valid and folder.name not in beyond:
            print(f"{folder.name}: valid under the schema, refused by the loader")
            failures += 1
        if not valid and folder.name in beyond:
            print(f"{folder.name}: the schema does see it, and it is listed as one that it cannot")
            failures += 1
    for name in sorted(set(beyond) - {folder.name for folder in (root / "tests/data/invalid").iterdir()}):
        print(f"{name}: listed, but there is no such sample")
        failures += 1
    assert seen > 100, seen
    return failures


def main():
    root = pathlib.Path(sys.argv[1])
    schema = json.loads((root / "scenarios/scenario.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    fleet_validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/fleet", "$defs": schema["$defs"]})
    failures = check_shipped(root, validator, fleet_validator) + check_invalid(root, validator)
    print(f"{failures} disagreements between schema and loader")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
