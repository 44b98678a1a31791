#!/usr/bin/env python3
"""Makes what is said of fault kinds from the program's own table.

    generate.py PROGRAM [--check]

PROGRAM is a chaos-run; `list faults --json` is asked. Written are

    scenarios/scenario.schema.json   its $defs.fault: kinds, targets, arguments, ranges
    faults/CATALOGUE.md              the catalogue, to read

With --check nothing is written, and exit 1 says that they are not what the
program would have them be: run it again without, after a kind has changed. The
rest of the schema is written by hand.
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "scenarios/scenario.schema.json"
CATALOGUE = ROOT / "faults/CATALOGUE.md"
FREE_KEYS = {"^x_": True, "^\\$schema$": True}


def ref(name):
    return {"$ref": "#/$defs/" + name}


def or_variable(schema):
    return {"anyOf": [schema, ref("variable")]}


# ---- schema

def limited(kind, row):
    """A number between the ends of the argument's range, as far as it has some."""
    whole = kind == "integer"
    schema = {"type": kind}
    for key in ("minimum", "maximum"):
        if key in row and abs(row[key]) < 1e15:
            schema[key] = int(row[key]) if whole or row[key] == int(row[key]) else row[key]
    return or_variable(schema)


def share_of(row):
    if row.get("minimum") == 0 and row.get("maximum") == 1:
        return ref("share")
    schema = {"allOf": [ref("factor_share")], "if": {"type": "number"}, "then": limited("number", row)["anyOf"][0]}
    return schema


ARGUMENT_OF_UNIT = {
    "duration": lambda row: ref("duration"),
    "ratio": share_of,
    "share": share_of,
    "count": lambda row: limited("integer", row),
    "factor": lambda row: limited("number", row),
    "size": lambda row: ref("size"),
    "size per time": lambda row: ref("size_rate"),
    "true or false": lambda row: or_variable({"type": "boolean"}),
    "percentage per time": lambda row: ref("share_rate"),
    "feature of the target": lambda row: {"type": "string", "minLength": 1},
    "list of kinds": lambda row: {"type": "array", "items": ref("fault_kind"), "minItems": 1, "maxItems": 6},
    "name of an entry": lambda row: {"type": "string", "minLength": 1},
    "choice": lambda row: or_variable({"enum": row["choices"]}),
}


def strict(properties, required, **more):
    schema = {"type": "object", "properties": properties, "required": required}
    if not required:
        del schema["required"]
    schema.update(patternProperties=FREE_KEYS, additionalProperties=False, **more)
    return schema


def arguments_of(kind):
    properties = {row["name"]: dict(ARGUMENT_OF_UNIT.get(row["unit"], lambda row: {})(row),
                                    description=row["summary"]) for row in kind["arguments"]}
    more = {}
    if kind["one_of"]:
        more["anyOf"] = [{"required": [name]} for name in kind["one_of"].split()]
    return strict(properties, [row["name"] for row in kind["arguments"] if row["required"]], **more)


def target_of(kind):
    refs = [ref(name + "_target") for name in kind["targets"] if name != "none"]
    if "instances" in kind["targets"]:
        refs.append(ref("random_target"))
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def ramps(kind):
    return any(row["ramps"] for row in kind["arguments"])


def needs_arguments(kind):
    return bool(kind["one_of"]) or any(row["required"] for row in kind["arguments"])


def body_of(kind, defs):
    """The keys that say what happens, without whom and when. Arguments that depend on
    one another are written by hand, in $defs.arguments_KIND."""
    by_hand = "arguments_" + kind["name"]
    properties = {"fault": {"const": kind["name"], "description": kind["summary"]},
                  "duration": ref("fault_duration"), "probability": ref("share"),
                  "arguments": ref(by_hand) if by_hand in defs else arguments_of(kind)}
    if ramps(kind):
        properties["ramp"] = ref("duration")
        properties["ramp_down"] = ref("duration")
    return properties


def entry_of(kind, defs):
    properties = {"name": {"type": "string", "minLength": 1}}
    properties.update(body_of(kind, defs))
    required = ["fault"]
    if any(name != "none" for name in kind["targets"]):
        properties["target"] = target_of(kind)
        if "none" not in kind["targets"]:
            required.append("target")
    for key in ("at", "repeat", "rate", "when", "after"):
        properties[key] = ref("timing_" + key)
    return strict(properties, required + (["arguments"] if needs_arguments(kind) else []))


def choice_of(kind, defs):
    """What a monkey may choose: the same without target, name and time."""
    return strict(body_of(kind, defs), ["fault"] + (["arguments"] if needs_arguments(kind) else []))


def schema_text(kinds):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["$defs"]["fault_kind"] = {"enum": [kind["name"] for kind in kinds]}
    schema["$defs"]["fault"] = {"anyOf": [entry_of(kind, schema["$defs"]) for kind in kinds]}
    schema["$defs"]["monkey_choice"] = {"anyOf": [
        {"enum": [kind["name"] for kind in kinds if not needs_arguments(kind)]},
        ref("variable")] + [choice_of(kind, schema["$defs"]) for kind in kinds]}
    return json.dumps(schema, indent=2) + "\n"


# ---- catalogue

TARGET_WORDS = {
    "instances": "`{service, zone, instances}` or `{random, of, exclude}`", "edge": "`{from, to}`",
    "service": "`{service}`", "load": "`{load}`", "zone": "`{zone}`", "none": "none needed",
    "zones": "`{from, to}`, two zones",
    "healer": "`{from: healer, to: fleet}` or the other way round",
}


def cell(text):
    return text.replace("|", "\\|")


def argument_line(row):
    default = "required" if row["required"] else row["default"]
    return "| `%s` | %s | %s | %s | %s | %s |" % (
        row["name"], row["unit"], cell(row["range"]), default,
        row["neutral"] if row["ramps"] else "", cell(row["summary"]))


def kind_text(kind):
    lines = ["### `%s`" % kind["name"], "", kind["summary"][0].upper() + kind["summary"][1:] + ".", "",
             "- Target: %s." % "; ".join(TARGET_WORDS[name] for name in kind["targets"]),
             "- Seen: %s." % kind["effect"],
             "- Its end: %s." % kind["lifting"],
             "- Lives in: %s; cured by %s." % (kind["lives_in"], kind["cured_by"])]
    if "lives_in_edge" in kind and len(kind["targets"]) > 1:
        lines.append("- On an edge: lives in %s; cured by %s." % (kind["lives_in_edge"],
                                                                  kind["cured_by_edge"]))
    lines.append("- `probability` is %s%s%s." % (
        kind["probability"], "; without a `duration` it is over at once" if kind["instant"] else "",
        "; `safe_mode` refuses it" if kind["refused_by_safe_mode"] else ""))
    if kind["failure_type"]:
        lines.append("- Healers call it `%s`." % kind["failure_type"])
    if kind["arguments"]:
        lines += ["", "| argument | unit | range | default | ramps from | |", "|---|---|---|---|---|---|"]
        lines += [argument_line(row) for row in kind["arguments"]]
    if kind["one_of"]:
        lines += ["", "At least one of: %s." % ", ".join("`%s`" % name for name in kind["one_of"].split())]
    return "\n".join(lines) + "\n"


def catalogue_text(kinds):
    families = []
    for kind in kinds:
        if kind["family"] not in families:
            families.append(kind["family"])
    parts = ["# The fault catalogue\n",
             "Generated by `scenarios/generate.py` from the program's table: `chaos-run list faults` says the\n"
             "same. Do not edit.\n"]
    for family in families:
        parts.append("## %s\n" % family.capitalize())
        parts += [kind_text(kind) for kind in kinds if kind["family"] == family]
    return "\n".join(parts)


def main():
    kinds = json.loads(subprocess.run([sys.argv[1], "list", "faults", "--json"], check=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout)
    stale = 0
    for path, text in ((SCHEMA, schema_text(kinds)), (CATALOGUE, catalogue_text(kinds))):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in sys.argv:
            print("%s is not what the program's table says: run scenarios/generate.py PROGRAM"
                  % path.relative_to(ROOT))
        else:
            path.write_text(text, encoding="utf-8")
            print("wrote %s" % path.relative_to(ROOT))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
