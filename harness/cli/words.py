"""Makes what is written about the program of its own tables.

    words.py man PROGRAM > chaos-run.1
    words.py scenario PROGRAM SCHEMA > chaos-run-scenario.5
    words.py completion PROGRAM > chaos-run

PROGRAM is the chaos-run that was just built: `__words` gives it the tables
behind --help, `list ... --json` its catalogues. So none of the three can say
other than the program does.
"""
import json
import os
import re
import subprocess
import sys


def ask(program, *args):
    environment = dict(os.environ, LC_ALL="C")
    return json.loads(subprocess.run([program, *args], check=True, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, env=environment).stdout)


# ---- man pages: troff

def troff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def bold(text):
    return "\\fB%s\\fR" % troff(text)


def italic(text):
    return "\\fI%s\\fR" % troff(text)


def title(name, section, version, about):
    return ".TH %s %d \"\" \"chaos\\-run %s\" \"%s\"\n" % (troff(name.upper()), section,
                                                          troff(version), about)


def option_entry(option):
    names = []
    if option["letter"]:
        names.append(bold("-" + option["letter"]))
    names.append(bold("--" + option["name"]))
    line = ", ".join(names)
    if option["argument"]:
        line += " " + italic(option["argument"])
    return ".TP\n%s\n%s\n" % (line, troff(option["summary"]))


def options_section(words):
    """Every option once, with the commands that take it."""
    takers, rows = {}, []
    for command in words["commands"]:
        for option in command["options"]:
            if option["name"] not in takers:
                rows.append(option)
            takers.setdefault(option["name"], []).append(command["name"] or "a run")
    out = [".SH OPTIONS\nOptions may stand before or after what they are about.\n"]
    for option in rows:
        by = takers[option["name"]]
        who = "every command" if len(by) == len(words["commands"]) else ", ".join(by)
        out.append(option_entry(option) + ".br\nTaken by: %s.\n" % troff(who))
    return "".join(out)


def man(program):
    words = ask(program, "__words")
    out = [title("chaos-run", 1, words["version"], "User commands"),
           ".SH NAME\nchaos\\-run \\- does the self\\-healing work, and which strategy works better\n",
           ".SH SYNOPSIS\n"]
    for command in words["commands"]:
        out.append(".br\n%s %s [options]\n" % (
            bold(("chaos-run " + command["name"]).strip()), italic(command["usage"])))
    out.append(".SH DESCRIPTION\n%s" % troff(words["purpose"]))
    out.append("The scenario file is described in\n.BR chaos\\-run\\-scenario (5).\n")
    out.append(".SH COMMANDS\n")
    for command in words["commands"]:
        out.append(".TP\n%s %s\n%s%s\n%s" % (
            bold(command["name"] or "(none)"), italic(command["usage"]), troff(command["summary"]),
            "" if command["summary"].endswith("?") else ".", troff(command["more"])))
    out.append(options_section(words))
    out.append(".SH \"EXIT STATUS\"\nThe worst of several wins.\n.PP\n.nf\n%s.fi\n"
               % troff(words["exit_codes"]))
    out.append(""".SH FILES
.TP
.I chaos\\-results/<scenario>/result.json
everything that was measured, with intervals; its schema is installed beside the scenarios
.TP
.I chaos\\-results/<scenario>/journal.jsonl
what happened in the first replication, one event a line
.TP
.I chaos\\-results/<scenario>/report.html
the report, with plots, in one file that needs no network
.SH EXAMPLES
.nf
chaos\\-run init shop
chaos\\-run plan shop.json
chaos\\-run shop.json
chaos\\-run explain chaos\\-results/shop
chaos\\-run shop.json \\-\\-strategy none \\-\\-seed 7 \\-\\-out /tmp/without
.fi
.SH "SEE ALSO"
.BR chaos\\-run\\-scenario (5),
.BR gnuplot (1)
""")
    return "".join(out)


def kind_of(schema, node):
    """A few words on what a key takes, from its schema."""
    if not isinstance(node, dict):  # true: anything
        return ""
    if "$ref" in node:
        return node["$ref"].rsplit("/", 1)[-1].replace("_", " ")
    if "const" in node:
        return json.dumps(node["const"])
    if "enum" in node:
        return ", ".join(json.dumps(value) for value in node["enum"])
    if "anyOf" in node or "oneOf" in node:
        kinds = []
        for part in node.get("anyOf", node.get("oneOf")):
            kind = kind_of(schema, part)
            if kind and kind != "variable" and kind not in kinds:
                kinds.append(kind)
        return " or ".join(kinds)
    kind = node.get("type", "")
    if kind == "array":
        inner = kind_of(schema, node.get("items", {}))
        return "list of " + inner if inner and len(inner) < 60 else "list"
    if kind in ("integer", "number"):
        low, high = node.get("minimum"), node.get("maximum")
        if low is not None and high is not None:
            return "%s, %s to %s" % (kind, low, high)
        if low is not None:
            return "%s, at least %s" % (kind, low)
    return kind or ""


def keys_of(schema, node, prefix=""):
    """Rows (key, kind, description, required) of an object, and of objects in it."""
    for key, inner in node.get("properties", {}).items():
        inner = inner if isinstance(inner, dict) else {}
        yield prefix + key, kind_of(schema, inner), inner.get("description", ""), \
            key in node.get("required", [])
        if inner.get("type") == "object":
            yield from keys_of(schema, inner, prefix + key + ".")


def keys_section(schema, heading, node):
    out = [".SS %s\n" % troff(heading)]
    if node.get("description"):
        out.append(troff(node["description"]) + "\n")
    for key, kind, description, required in keys_of(schema, node):
        out.append(".TP\n%s%s\n%s\n" % (bold(key), " (required)" if required else "",
                                        troff(". ".join(x for x in (kind, description) if x)) or "any"))
    return "".join(out)


def faults_section(faults):
    out = [".SH FAULTS\nKinds for the key\n.BR fault ,\nwith the keys of\n.BR arguments .\n"]
    for fault in faults:
        out.append(".SS %s\n%s. Family: %s; lives in: %s; cured by: %s.\n" % tuple(
            troff(fault[key]) for key in ("name", "summary", "family", "lives_in", "cured_by")))
        for row in fault["arguments"]:
            need = "required" if row["required"] else "default " + str(row["default"])
            out.append(".TP\n%s\n%s (%s, %s; %s%s)\n" % (
                bold(row["name"]), troff(row["summary"]), troff(row["unit"]), troff(row["range"]),
                troff(need), "; ramps" if row["ramps"] else ""))
    return "".join(out)


def metrics_section(metrics):
    out = [".SH METRICS\nWhat thresholds may ask for, as in \"mttr < 60s\".\n"]
    for row in metrics:
        unit = " (%s)" % troff(row["unit"]) if row.get("unit") else ""
        out.append(".TP\n%s%s\n%s\n" % (bold(row["name"]), unit, troff(row["definition"])))
    return "".join(out)


def scenario(program, schema_path):
    with open(schema_path, encoding="utf-8") as f:
        schema = json.load(f)
    words = ask(program, "__words")
    metrics = ask(program, "list", "metrics", "--json")
    if isinstance(metrics, dict):
        metrics = next(v for v in metrics.values() if isinstance(v, list))
    definitions = schema.get("$defs", {})
    out = [title("chaos-run-scenario", 5, words["version"], "File formats"),
           ".SH NAME\nchaos\\-run\\-scenario \\- the scenario file of chaos\\-run\n",
           ".SH DESCRIPTION\nA scenario is one JSON file: a fleet, its load, a healer, faults and "
           "thresholds. Keys that begin with\n.B x_\nare notes and ignored; any other key that is "
           "not named here is refused.\n.B chaos\\-run init\nwrites one to start from,\n"
           ".B chaos\\-run validate\nsays what is wrong with one, as file:line:column.\n",
           ".PP\nDurations are \"250ms\", \"1.5s\", \"4m30s\"; sizes \"64KiB\", \"20MB\"; rates "
           "\"800/s\", \"12/min\"; shares 0..1 or \"5%\". A duration may be a distribution where "
           "the key says so. \"${name}\" stands for a variable of\n.BR configuration .\n",
           ".SH KEYS\n", keys_section(schema, "the file", schema)]
    for name, node in definitions.items():
        if node.get("properties"):
            out.append(keys_section(schema, name.replace("_", " "), node))
    out.append(faults_section(ask(program, "list", "faults", "--json")))
    out.append(metrics_section(metrics))
    out.append(".SH STRATEGIES\nPresets for the key\n.BR healer :\n%s.\n"
               % troff(", ".join(words["strategies"])))
    out.append(".SH \"SEE ALSO\"\n.BR chaos\\-run (1)\n")
    return "".join(out)


# ---- completion: bash

# How the value of an option is completed, by what --help calls it.
VALUES = {
    "DIR": "compgen -d -- \"$word\"",
    "FILE": "compgen -f -- \"$word\"",
    "OUT.csv": "compgen -f -- \"$word\"",
    "S": "compgen -W '{strategies}' -- \"$word\"; compgen -f -X '!*.json' -- \"$word\"; "
         "compgen -d -- \"$word\"",
    "LIST": "_chaos_run_list '{writers}'",
}
# ... and what follows a command.
FOLLOWS = {
    "list": "compgen -W '{lists}' -- \"$word\"; compgen -d -- \"$word\"",
    "stats": "compgen -W \"$(chaos-run stats 2>/dev/null | sed -n 's/^\\([a-z_0-9]\\{{1,\\}}\\) .*/\\1/p')\" "
             "-- \"$word\"",
    "init": ":",
}
JSON_FILES = "compgen -f -X '!*.json' -- \"$word\"; compgen -d -- \"$word\""

COMPLETION = """# bash completion for chaos-run; made by words.py of the tables behind --help

_chaos_run_list() { # CHOICES: the last of a list with commas
        local head=
        [[ $word != *,* ]] || head=${word%,*},
        compgen -P "$head" -W "$1" -- "${word##*,}"
}

_chaos_run() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' i found
        # --out=DIR comes as three words.
        if [[ $word == = ]]; then
                word=
        elif [[ $before == = && $COMP_CWORD -gt 2 ]]; then
                before=${COMP_WORDS[COMP_CWORD-2]}
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                COMMANDS) command=${COMP_WORDS[i]}; break ;;
                esac
        done
        case $before in
VALUES
        *)
                if [[ $word == -* ]]; then
                        case $command in
OPTIONS
                        esac
                else
                        case $command in
FOLLOWS
                        '') found=$(compgen -W 'ALL' -- "$word"; JSON_FILES) ;;
                        *) found=$(JSON_FILES) ;;
                        esac
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(printf '%s' "$found" | sort -u)
        compopt -o filenames 2>/dev/null || true
}
complete -F _chaos_run chaos-run
"""


def value_words(option):
    """The shell words that print what may follow that option."""
    argument = option["argument"]
    if "|" in argument:
        return "compgen -W '%s' -- \"$word\"" % argument.replace("|", " ")
    if argument == "WHAT":
        return "compgen -W '%s' -- \"$word\"" % " ".join(re.findall(r"`(\w+)`", option["summary"]))
    return VALUES.get(argument)


def completion(program):
    words = ask(program, "__words")
    commands = [row["name"] for row in words["commands"] if row["name"]]
    lists = next(row["usage"] for row in words["commands"] if row["name"] == "list").split()[0]
    fill = {"strategies": " ".join(words["strategies"]), "writers": " ".join(words["writers"]),
            "lists": lists.replace("|", " ")}
    values, seen, options, follows = [], set(), [], []
    for row in words["commands"]:
        names = []
        for option in row["options"]:
            names.append("--" + option["name"])
            if option["argument"] is None or option["name"] in seen:
                continue
            seen.add(option["name"])
            spelled = ["--" + option["name"]]
            if option["letter"]:
                spelled.append("-" + option["letter"])
            shell = value_words(option)
            shell = "$(%s)" % shell.format(**fill) if shell else ""
            values.append("        %s) found=%s ;;" % (" | ".join(spelled), shell or "''"))
        options.append("                        %s) found=$(compgen -W '%s' -- \"$word\") ;;" % (
            row["name"] or "''", " ".join(names)))
        if row["name"] in FOLLOWS:
            follows.append("                        %s) found=$(%s) ;;" % (
                row["name"], FOLLOWS[row["name"]].format(**fill)))
    text = COMPLETION
    for mark, filling in (("COMMANDS", " | ".join(commands)), ("VALUES", "\n".join(values)),
                          ("OPTIONS", "\n".join(options)), ("FOLLOWS", "\n".join(follows)),
                          ("JSON_FILES", JSON_FILES), ("ALL", " ".join(commands))):
        text = re.sub(r"\b%s\b" % mark, lambda match, put=filling: put, text)
    return text


def main():
    what, program, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    made = {"man": man, "scenario": scenario, "completion": completion}[what](program, *rest)
    sys.stdout.buffer.write(made.encode("utf-8"))


main()
