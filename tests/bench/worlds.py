"""worlds.py - scenarios that nobody chose, drawn from the whole language.

What may be written is read from scenarios/scenario.schema.json, so that a new key is drawn
as soon as it stands there: of each object the required keys and some of the others, of
alternatives one, of numbers mostly small ones and now and then an end of the range. A plain
draw would hardly ever be right where keys refer to one another, or where worlds would become
large; there HINTS say what to draw. What a strategy may say stands in no schema: its options
are those of the complete example in healer/STRATEGY.md and of what `plan` says is in force,
and the words that an option takes are asked of the loader, by giving it a wrong one.

The loader judges. What it refuses is left out where its message points, until it takes the
rest: Maker.mended(). A key of the schema counts as used when a world that the loader took
has it; a key has the name of the definition that it stands in ("service.disk.size"), and of
alternatives the word that tells them apart ("fault.latency.arguments.jitter").

Not here: running them and looking what happens (soak.py).
"""
import collections
import copy
import json
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KINDS = ("fault", "dist", "process", "shape", "kind")  # keys that tell alternatives apart
ROUNDS = 12  # of leaving out what the loader refuses
# Numbers that make a world large are drawn from here, whatever the schema allows.
SMALL = {"instances": 4, "concurrency": 12, "queue": 60, "pool": 12, "count": 2, "users": 20, "max": 6, "k": 6,
         "replicas": 2, "limit": 200, "cores": 4, "retries": 4, "faults": 5, "concurrent": 3, "scale": 30,
         "random": 3, "max_targets": 6, "factor": 12, "per_instance": 2, "cost": 5, "min": 2, "per_call": 3,
         "max_runs": 4, "min_requests": 30, "window_count": 50, "failures": 4, "successes": 4}
# Of an object these are drawn as often as this, the others with SHARE.
SHARE = 0.25
RARE = 0.5  # of those that were seldom in a world that the loader took
OFTEN = {"fleet.zones": 0.7, "fleet.operations": 1, "operations.human_response": 1, "operations.human_fix": 1,
         "service.calls": 0.7, "service.instances": 0.8, "service.queue": 0.7, "service.slo": 0.7, "service.data": 0.35,
         "service.concurrency": 0.8, "call.timeout": 0.6, "fault.duration": 0.85, "fault.ramp": 0.15,
         "fault.probability": 0.15, "fault.name": 0.5, "load.name": 0.6, "load.timeout": 0.6,
         "scenario.healer": 0.95, "scenario.warmup": 1, "scenario.cooldown": 0.98, "scenario.replications": 1, "scenario.seed": 1,
         "service.memory": 0.2, "service.disk": 0.15, "service.quota": 0.12, "service.fds": 0.12, "service.error_rate": 0.15,
         "scenario.safety": 0.06, "scenario.configuration": 0, "scenario.matrix": 0, "evaluation.horizon": 1,
         "scenario.evaluation": 1, "scenario.stop_conditions": 0.15, "scenario.thresholds": 0.5, "scenario.outputs": 0.1,
         "group.at": 0.5, "trace.per": 1, "slo.window": 0.9, "slo.min_requests": 0.9, "telemetry.detail_interval": 0.15}


# Alternatives are as likely as one another, but for these: faults, probes, groups, monkeys.
WEIGHTS = {"scenario.method": [6, 1, 1, 1], "member": [6, 1, 0.5, 0.5]}


class Drawn(dict):
    """An object that knows under which names its keys stand in the schema."""

    def __init__(self):
        super().__init__()
        self.ids = {}


class Schema:
    def __init__(self):
        with open(os.path.join(ROOT, "scenarios", "scenario.schema.json"), encoding="utf-8") as f:
            self.root = json.load(f)
        self.defs = self.root["$defs"]

    def name_of(self, node, where):
        """Where the keys of a node stand: its definition, or its place in one."""
        ref = node.get("$ref", "") if isinstance(node, dict) else ""
        return ref.rsplit("/", 1)[-1] if ref else where

    def resolved(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.defs[node["$ref"].rsplit("/", 1)[-1]]
        return node

    def alternatives(self, node):
        """Those of anyOf or oneOf that say what a value is, without variables; or []."""
        rows = node.get("anyOf") or node.get("oneOf") or []
        rows = [row for row in rows if row is not True and row.get("$ref") != "#/$defs/variable"]
        return [row for row in rows if set(row) - {"required", "not", "pattern", "description"}]

    def kind(self, node):
        """The word that tells an alternative from the others, or ''."""
        found = [node.get("properties", {}).get(key, {}).get("const") for key in KINDS]
        return next((word for word in found if word is not None), "")

    def keys(self):
        """The names of all keys."""
        names, seen = set(), set()

        def walk(node, where):
            if not isinstance(node, dict) or (id(node), where) in seen:
                return
            seen.add((id(node), where))
            where, inner = self.name_of(node, where), self.resolved(node)
            if where == "variable" or not isinstance(inner, dict):
                return
            kind = self.kind(inner)
            where = "%s.%s" % (where, kind) if kind and kind not in where.split(".") else where
            for key, value in inner.get("properties", {}).items():
                names.add("%s.%s" % (where, key))
                walk(value, "%s.%s" % (where, key))
            for row in self.alternatives(inner) + inner.get("allOf", []):
                if "if" not in row:
                    walk(row, where)
            if isinstance(inner.get("items"), dict):
                walk(inner["items"], where)

        walk({key: value for key, value in self.root.items() if key != "$defs"}, "scenario")
        return names


class World:
    """What is known of a world while it is drawn: names to refer to."""

    def __init__(self, chance):
        self.services = ["s%d" % i for i in range(chance.choice([1, 2, 2, 3, 3, 4, 5]))]
        self.zones = ["a"]
        self.loads, self.entries, self.features, self.edges = [], [], [], []
        self.at = 0  # the service that is being drawn
        self.where = ""  # the place in the schema for which a hint is asked
        self.length_ms = 0


class Maker:
    """Draws scenarios. `shown` is a folder where the files are that they name."""

    def __init__(self, program, chance, files):
        self.program, self.chance, self.files = program, chance, files
        self.schema = Schema()
        self.metrics = self.asked("list", "metrics", "--json")
        self.actions = [row["name"] for row in self.asked("list", "actions", "--json")]
        self.presets = self.asked("list", "strategies", "--json")
        self.options, self.words = self.strategy_options()
        self.all_keys = self.schema.keys() | {name for name, _ in self.option_names(self.options, "healer")}
        self.uses, self.fleets = collections.Counter(), 0
        self.write_files()

    def asked(self, *arguments):
        told = subprocess.run([self.program, *arguments], stdout=subprocess.PIPE, check=True)
        return json.loads(told.stdout)

    # ---- values

    def duration(self, low_ms, high_ms):
        return "%dms" % max(1, low_ms * (high_ms / low_ms) ** self.chance.random())

    def share(self):
        c = self.chance
        return c.choices([0, 1, round(c.random(), 3), round(c.random() ** 3, 4), "%d%%" % c.randint(0, 100)],
                         [1, 4, 5, 3, 5])[0]

    def number(self, node, key):
        c = self.chance
        low = node.get("minimum", node.get("exclusiveMinimum", 0))
        high = node.get("maximum", node.get("exclusiveMaximum", 1e9))
        whole = node.get("type") == "integer"
        top = min(high, SMALL.get(key, 20 if high > 20 else high))
        if c.random() < 0.1:
            return low if whole or "exclusiveMinimum" not in node else low + 0.001
        if c.random() < 0.03 and key not in SMALL:
            return high if whole or "exclusiveMaximum" not in node else high - 0.001
        value = low + (max(top, low) - low) * c.random() ** 2
        return int(round(value)) if whole else round(value, 3)

    def text(self, key):
        c = self.chance
        return c.choice([key, "%s %d" % (key, c.randint(0, 99)), "<b>&\"'\\ é\u2028", "=1+1", "x" * c.randint(1, 60)])

    # ---- by the schema

    def draw(self, node, key, where, world, force=(), ban=(), hinted=True):
        """A value for this node of the schema, or None where nothing comes to mind."""
        named = self.schema.name_of(node, where)
        hint = by_place(HINTS, where) or HINTS.get(named) or HINTS.get("*." + key)
        if hint and hinted and not force and not ban:
            world.where = where
            value = hint(self, world)
            if value is not None:
                return value
        where, node = named, self.schema.resolved(node)
        if not isinstance(node, dict):
            return None
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return self.chance.choice(node["enum"])
        kind = self.schema.kind(node)
        where = "%s.%s" % (where, kind) if kind and kind not in where.split(".") else where
        if "allOf" in node or "properties" in node:
            force, ban = self.told_apart(node, set(force), set(ban))
        if "properties" in node:
            return self.draw_object(node, where, world, force, ban)
        for part in node.get("allOf", []):
            if "$ref" in part or "properties" in part:
                return self.draw(part, key, where, world, force, ban)
        rows = self.schema.alternatives(node)
        if rows:
            weights = by_place(WEIGHTS, where) or [1 / (3 + self.uses["%s.%s" % (where, self.schema.kind(
                self.schema.resolved(row)))]) for row in rows]
            return self.draw(self.chance.choices(rows, weights)[0], key, where, world, force, ban)
        return self.draw_plain(node, key, where, world)

    def told_apart(self, node, force, ban):
        """What oneOf and `not` say of keys: one of them, and not the others."""
        for part in [node, *node.get("allOf", [])]:
            for word in ("oneOf", "anyOf"):
                keys = [row["required"][0] for row in part.get(word, [])
                        if isinstance(row, dict) and set(row) == {"required"}]
                keys = [key for key in keys if key not in ban]
                if keys and not force & set(keys):
                    key = self.chance.choices(keys, [{"at": 4, "after": 2.5}.get(key, 1) for key in keys])[0]
                    force.add(key)
                    ban.update(k for k in keys if k != key and word == "oneOf")
            ban.update(self.forbidden(part.get("not", {})) - force)
        return force, ban

    def forbidden(self, wrong):
        rows = wrong.get("anyOf", [wrong]) if isinstance(wrong, dict) else []
        return {self.chance.choice(row["required"]) for row in rows if isinstance(row, dict) and "required" in row}

    def draw_object(self, node, where, world, force, ban):
        drawn, required = Drawn(), set(node.get("required", [])) | force
        for key, inner in node["properties"].items():
            name = "%s.%s" % (where, key)
            share = by_place(OFTEN, name)
            if share is None:
                share = SHARE if self.uses[name] > 2 else RARE
            if key in ban or (key not in required and self.chance.random() >= share):
                continue
            value = self.draw(inner, key, name, world)
            if value is not None:
                drawn[key] = value
                drawn.ids[key] = name
        return drawn

    def draw_plain(self, node, key, where, world):
        c, kind = self.chance, node.get("type")
        if kind == "array":
            low = node.get("minItems", 0)
            count = max(low, min(node.get("maxItems", 9), LENGTHS.get(key, lambda c: c.randint(0, 3))(c)))
            items = [self.draw(node.get("items", True), key, where, world) for _ in range(count)]
            return [item for item in items if item is not None]
        if kind in ("integer", "number"):
            return self.number(node, key)
        if kind == "boolean":
            return c.random() < 0.5
        if kind == "string" and "%" in node.get("pattern", ""):
            return "%d%%" % c.randint(1, 100)
        return self.text(key) if kind == "string" else None

    # ---- strategies

    def strategy_options(self):
        """A tree of all options with a value for each, and the words that some of them take."""
        with open(os.path.join(ROOT, "healer", "STRATEGY.md"), encoding="utf-8") as f:
            documented = json.loads(re.search(r"```json\n(.*?)```", f.read(), re.S).group(1))
        policies = [key for key, value in documented.items() if isinstance(value, dict) and
                    ("edges" in value or "default" in value)]
        for policy in policies:
            section = documented[policy]
            section["default"] = dict(next(iter(section.get("edges", {"": {}}).values())), **section.get("default", {}))
            section["edges"] = {}
        documented.pop("store")
        plain = {"version": 1, "title": "t", "duration": "30s",
                 "fleet": {"services": [{"name": "s0", "service_time": "1ms"}]}, "load": [{"to": "s0", "rate": "1/s"}],
                 "method": [{"fault": "crash", "target": {"service": "s0"}, "at": "1s"}]}
        plain["healer"] = {key: {"default": {}} for key in policies}
        path = os.path.join(self.files, "options.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(plain, f)
        options = merged(documented, self.asked("plan", path, "--json")["effective"]["healer"])
        plain["healer"] = wrong_words(options)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(plain, f)
        told = subprocess.run([self.program, "validate", path], stderr=subprocess.PIPE, check=False).stderr.decode()
        os.unlink(path)
        return options, {name: words.split(", ") for name, words in
                         re.findall(r": healer\.(\S+): '\?' is none of (.*)$", told, re.M)}

    def option_names(self, tree, where):
        for key, value in tree.items():
            yield "%s.%s" % (where, key), value
            if isinstance(value, dict):
                yield from self.option_names(value, "%s.%s" % (where, key))

    def option(self, value, path, world):
        """Another value than this one for the option of that path."""
        c = self.chance
        key = path.rsplit(".", 1)[-1]
        if path in OPTION_HINTS:
            return OPTION_HINTS[path](self, world)
        if path in self.words:
            return c.choice(self.words[path])
        if isinstance(value, bool):
            return c.random() < 0.5
        if isinstance(value, str) and re.match(r"[0-9.]+(ns|us|ms|s|m|h|d)$", value):
            return c.choice(["0s", self.duration(1, 1000), self.duration(1000, 60000), self.duration(1000, 60000), value])
        if isinstance(value, str) and re.match(r"[0-9.]+%$", value):
            return self.share()
        if isinstance(value, str) and re.match(r"[0-9.]+/s$", value):
            return "%d/s" % c.randint(1, 50)
        if isinstance(value, int):
            return c.randint(0, 2 * value + 2)
        if isinstance(value, float):
            return self.share() if value <= 1 else round(2 * value * c.random(), 2)
        if isinstance(value, list):
            return c.sample(self.actions, c.randint(0, min(5, len(self.actions))))
        return key

    def options_drawn(self, tree, path, world, share):
        drawn = Drawn()
        for key, value in tree.items():
            inner = "%s.%s" % (path, key) if path else key
            if key == "edges":
                rule = tree["default"]
                drawn[key] = {pattern: None if self.chance.random() < 0.1 else
                              self.options_drawn(rule, path + ".default", world, 0.4)
                              for pattern in self.edge_patterns(world)}
            elif isinstance(value, dict) and self.chance.random() < 2 * share:
                drawn[key] = self.options_drawn(value, inner, world, share)
            elif not isinstance(value, dict) and self.chance.random() < share:
                drawn[key] = self.option(value, inner, world)
            if key in drawn:
                drawn.ids[key] = "healer." + inner
        return drawn

    def edge_patterns(self, world):
        c = self.chance
        found = []
        for start, end in c.sample(world.edges, min(len(world.edges), c.randint(0, 2))):
            found.append(c.choice(["%s->%s", "*->%.0s%s", "%s->*%.0s"]) % (start, end))
        return found

    def strategy(self, world):
        c = self.chance
        if c.random() < 0.3:
            return c.choice(self.presets)
        if c.random() < 0.01:
            return known({"exec": [self.program, "healer", c.choice(self.presets[:5])]}, "scenario.healer")
        drawn = self.options_drawn(self.options, "", world, c.choice([0.05, 0.2, 0.5]))
        if c.random() < 0.6:
            drawn["extends"] = c.choice(self.presets[:5])
        if c.random() < 0.1:
            drawn["initial_state"] = "files/learned.json"
        if c.random() < 0.05:
            drawn["store"] = {"path": "healer-%d.db" % c.randint(0, 10 ** 9), "batch_size": c.randint(1, 50),
                              "flush_interval": self.duration(10, 20000), "retention": self.duration(1000, 10 ** 8)}
        return drawn

    # ---- whole worlds

    def write_files(self):
        """What scenarios name: recorded load, times that were seen, what a healer learned."""
        c = self.chance
        with open(os.path.join(self.files, "trace.csv"), "w", encoding="utf-8") as f:
            f.write("timestamp,value\n" + "".join("%d,%d\n" % (i, c.randint(0, 40)) for i in range(60)))
        with open(os.path.join(self.files, "times.csv"), "w", encoding="utf-8") as f:
            f.write("".join("%dms\n" % c.randint(1, 40) for i in range(20)))
        path = os.path.join(self.files, "train.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"version": 1, "title": "t", "duration": "1m", "load": [{"to": "s0", "rate": "5/s"}],
                       "fleet": {"services": [{"name": "s0", "instances": 2, "service_time": "1ms"}]},
                       "method": [{"fault": "crash", "target": {"service": "s0"}, "at": "20s"}]}, f)
        subprocess.run([self.program, "train", path, "--runs", "2", "--out", os.path.join(self.files, "learned.json")],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        os.unlink(path)

    def scenario(self):
        world = World(self.chance)
        world.length_ms = self.chance.randint(10, 40) * 1000
        root = {key: value for key, value in self.schema.root.items() if key != "$defs"}
        drawn = self.draw_object(root, "scenario", world, set(), set())
        return drawn

    def mended(self, scenarios, said):
        """Those scenarios that the loader takes once what it refuses is left out. `said` gives
        of a list of scenarios the loader's lines about each, or None: it is no good."""
        waiting, found, left_out = list(scenarios), [], 0
        for _ in range(ROUNDS):
            rest = []
            for scenario, lines in zip(waiting, said(waiting)):
                if lines == []:
                    found.append(scenario)
                elif lines and without(scenario, lines):
                    left_out += len(lines)
                    rest.append(scenario)
            waiting = rest
            if not waiting:
                break
        return found, left_out

    def dressed(self, scenario):
        """One in ten says something in other words: a value as a variable, or two values for it."""
        c = self.chance
        if c.random() >= 0.1:
            return scenario
        other = copy.deepcopy(scenario)
        if c.random() < 0.2:
            self.fleets += 1
            other["fleet"] = "files/fleet-%d.json" % self.fleets
            with open(os.path.join(self.files, os.path.basename(other["fleet"])), "w", encoding="utf-8") as f:
                json.dump(scenario["fleet"], f)
            return other
        places = [(node, key) for node in objects(other) for key, value in node.items()
                  if isinstance(node, Drawn) and key not in ("version", "title", "name", *KINDS)
                  and isinstance(value, (int, float, str)) and not isinstance(value, bool)]
        node, key = c.choice(places)
        value = node[key]
        node[key] = "${v}"
        if c.random() < 0.2:
            other["configuration"] = {"v": value, "matrix": {"v": [value, value]}}
        else:
            other["configuration"] = {"v": value}
        other.ids["configuration"] = "scenario.configuration"
        other["configuration"] = known(other["configuration"], "scenario.configuration")
        return other

    def count_keys(self, scenario):
        for node in objects(scenario):
            if isinstance(node, Drawn):
                names = [name for key, name in node.ids.items() if key in node]
                self.uses.update(names)
                self.uses.update({name.rpartition(".")[0] for name in names})

    def keys_line(self):
        used, never = self.all_keys & set(self.uses), sorted(self.all_keys - set(self.uses))
        return "keys used %d of %d (%.1f %%); never: %s%s" % (
            len(used), len(self.all_keys), 100 * len(used) / len(self.all_keys), " ".join(never[:200]) or "none",
            " and %d more" % (len(never) - 200) if len(never) > 200 else "")


# ---- trees

def by_place(table, where):
    """The row of a place: under its whole name, its last words, or its first and its last."""
    words = where.split(".")
    names = (where, ".".join(words[-3:]), ".".join(words[-2:]), words[0] + "." + words[-1])
    return next((table[name] for name in names if name in table), None)


def objects(node):
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from objects(inner)


def merged(left, right):
    out = dict(left)
    for key, value in right.items():
        out[key] = merged(left[key], value) if isinstance(value, dict) and isinstance(left.get(key), dict) else value
    return out


def wrong_words(tree):
    """The same tree of options with a word that none of them takes; without numbers and lists."""
    return {key: wrong_words(value) if isinstance(value, dict) else "?" for key, value in tree.items()
            if (isinstance(value, dict) or (isinstance(value, str) and not value[0].isdigit()))
            and key not in ("edges", "name")}


def steps(path):
    """"method[0].arguments.delay" as keys and indices; quoted or dotted keys are not told apart."""
    return [int(index) if index else key for key, index in re.findall(r"([^.\[\]]+)|\[([0-9]+)\]", path)]


def without(scenario, lines):
    """Leaves out what the loader's lines point at; False where nothing is there that may go.
    What comes after something without an end comes at a time of its own instead."""
    places = set()
    for line in lines:
        path, _, said = line.partition(": ")
        if path == "$":
            places |= {tuple(place) for place in timed_after(scenario.get("method", []), ["method"])}
        elif said.startswith("missing key 'at'"):
            found(scenario, steps(path))["at"] = "1s"
        else:
            option = re.match(r"([a-z_]+(\.[a-z_]+)+): ", said)
            if path == "healer" and option:  # what does not go together in a strategy
                path = "healer." + option.group(1)
            places.add(tuple("%09d" % step if isinstance(step, int) else step for step in steps(path)))
    # Inner ones before what is around them, the last of a list first: so all places stay true.
    return all(cut(scenario, [int(step) if step.isdigit() else step for step in place])
               for place in sorted(places, reverse=True))


def timed_after(node, path):
    """The places of "after" in a method, in groups too."""
    rows = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else []
    for key, inner in rows:
        step = "%09d" % key if isinstance(key, int) else key
        if key == "after":
            yield [*path, key]
        yield from timed_after(inner, [*path, step])


def found(node, path):
    for step in path:
        node = node[step]
    return node


def cut(scenario, path):
    """Deletes what is there, or what is around it when it is not there."""
    while path:
        node, left = scenario, list(path)
        try:
            while len(left) > 1:
                step = left.pop(0)
                if isinstance(node, dict) and step not in node:  # "cpu.cores" is one key
                    left[0] = "%s.%s" % (step, left[0])
                else:
                    node = node[step]
            del node[left[0]]
            return len(path) > 1 or path[0] not in ("fleet", "load", "method", "duration")
        except (KeyError, IndexError, TypeError):
            path = path[:-1]
    return False


# ---- hints

LENGTHS = {"faults": lambda c: c.randint(1, 4), "calls": lambda c: c.randint(0, 3), "load": lambda c: c.choice([1, 1, 1, 2, 3]),
           "method": lambda c: c.randint(2, 8), "probes": lambda c: c.randint(1, 2), "values": lambda c: c.randint(1, 6),
           "background": lambda c: c.randint(1, 3), "tags": lambda c: c.randint(0, 2),
           "mmpp": lambda c: 2, "rates": lambda c: 2, "means": lambda c: 2, "parallel": lambda c: c.randint(1, 3),
           "serial": lambda c: c.randint(1, 3)}


def known(values, where):
    """An object made by hand, its keys named as the schema does."""
    drawn = Drawn()
    drawn.update(values)
    drawn.ids = {key: "%s.%s" % (where, key) for key in values}
    return drawn


def seconds(low, high):
    return lambda maker, world: maker.duration(1000 * low, 1000 * high)


def one_of(*words):
    return lambda maker, world: maker.chance.choice(words)


def services(maker, world):
    """All of them, each below those before it."""
    drawn = []
    for world.at in range(len(world.services)):
        service = maker.draw({"$ref": "#/$defs/service"}, "services", "service", world)
        world.edges += [(service["name"], call["to"]) for call in service.get("calls", [])]
        world.features += [feature["name"] for feature in service.get("features", [])]
        drawn.append(service)
    return drawn


def called(maker, world):
    below = world.services[world.at + 1:]
    return maker.chance.choice(below) if below else "s0"


def calls(maker, world):
    below = world.services[world.at + 1:]
    some = maker.chance.sample(below, min(len(below), maker.chance.randint(1, 3)))
    drawn = [maker.draw({"$ref": "#/$defs/call"}, "calls", "call", world) for _ in some]
    for call, name in zip(drawn, some):
        call["to"] = name
    return drawn


def zones(maker, world):
    node = maker.schema.defs["fleet"]["properties"]["zones"]
    node = node.get("items") or maker.schema.alternatives(node)[0]["items"]
    drawn = [maker.draw(node, "zone", "fleet.zones", world, hinted=False)
             for _ in range(maker.chance.randint(1, 3))]
    world.zones = list("abc"[:len(drawn)])
    for zone, name in zip(drawn, world.zones):
        zone["name"] = name
    return drawn


def edge(maker, world):
    found = world.edges + [(load, to) for load, to in world.loads if load]
    if not found:
        return None
    return known(dict(zip(("from", "to"), maker.chance.choice(found))), "edge_target")


def monkey_target(maker, world):
    """A service, an edge, or what a plain draw gives."""
    c = maker.chance
    return c.choice([c.choice(world.services), {"service": c.choice(world.services), "instances": "all"},
                     edge(maker, world)])


def some_name(of):
    return lambda maker, world: maker.chance.choice(of(world) or ["nobody"])


def entry_name(maker, world):
    world.entries.append("f%d" % len(world.entries))
    return world.entries[-1]


def load_name(maker, world):
    return "l%d" % len(world.loads)


def load(maker, world):
    row = maker.chance.choice(maker.schema.alternatives(maker.schema.defs["load"]))
    drawn = maker.draw(row, "load", "load", world, hinted=False)
    drawn["to"] = "s0" if maker.chance.random() < 0.7 else maker.chance.choice(world.services)
    world.loads.append((drawn.get("name"), drawn["to"]))
    return drawn


def shares_of_one(maker, world, key, count):
    cuts = sorted(maker.chance.randint(1, 99) for _ in range(count - 1))
    return [{key: (high - low) / 100} for low, high in zip([0, *cuts], [*cuts, 100])]


def classes(maker, world):
    node = maker.schema.alternatives(maker.schema.defs["load"])[0]["properties"]["classes"]
    node = node.get("items") or maker.schema.alternatives(node)[0]["items"]
    where = world.where
    drawn = [maker.draw(node, "class", where, world, hinted=False) for _ in range(maker.chance.randint(1, 3))]
    for i, (row, more) in enumerate(zip(drawn, shares_of_one(maker, world, "share", len(drawn)))):
        row.update(more)
        row["name"] = "c%d" % i
    return drawn


def branches(maker, world):
    drawn = []
    for row in shares_of_one(maker, world, "probability", maker.chance.randint(2, 3)):
        drawn.append(known(dict(row, mean=maker.duration(1, 50)), world.where))
    return drawn


def tolerance(maker, world):
    c = maker.chance
    kind = c.choice(["%dms" % c.randint(1, 2000), "%d%%" % c.randint(0, 100), "%d" % c.randint(0, 50),
                     "%d/s" % c.randint(0, 50), "%.2f" % c.random()])
    return c.choice(["<= ", ">= ", "< ", "> "]) + kind


def metric_and_tolerance(maker, world, drawn):
    """A probe's tolerance in the unit of its metric; mostly one that holds, or nothing would begin."""
    c = maker.chance
    metric = drawn.get("metric", "")
    more = metric in ("goodput", "throughput", "availability")
    if metric.startswith("latency"):
        value = "%dms" % c.choice([c.randint(1, 3000), 60000, 60000, 60000])
    elif metric in ("goodput", "throughput"):
        value = "%d/s" % c.choice([c.randint(0, 20), 0, 0, 0])
    elif metric == "queue_mean":
        value = "%d" % c.choice([c.randint(0, 20), 1000, 1000])
    else:
        value = "%.2f" % c.choice([c.random(), 0 if more else 1, 0 if more else 1, 0 if more else 1])
    drawn["tolerance"] = (">= " if more else "<= ") + value
    return drawn


def probe(name):
    def drawn_probe(maker, world):
        node = maker.schema.defs[name]
        drawn = maker.draw_object(node, name, world, set(), set())
        return metric_and_tolerance(maker, world, drawn)
    return drawn_probe


def check(maker, world):
    c = maker.chance
    metric = c.choice(maker.metrics)
    unit = metric["unit"]
    value = {"s": "%dms" % c.randint(0, 60000), "ratio": "%.2f" % c.random(), "share": "%.2f" % c.random()}.get(
        unit, c.choice(["%d" % c.randint(0, 1000), "%.2f" % c.random(), "%d/s" % c.randint(0, 30)]))
    labels = ""
    if c.random() < 0.3 and metric["labels"]:
        label = c.choice(metric["labels"])
        labels = "{%s=%s}" % (label, {"service": c.choice(world.services), "arm": c.choice(["treated", "untreated", "shadow"]),
                                      "phase": c.choice(["method", "warmup", "baseline", "recovery"]),
                                      "fault": c.choice(world.entries or ["f0"])}.get(label, "critical"))
    name = metric["name"]
    return "%s%s %s %s" % ("p95(mttr)" if name == "mttr" and c.random() < 0.3 else name, labels,
                           c.choice(["<=", ">=", "<", ">"]), value)


def at(maker, world):
    return "%dms" % maker.chance.randint(0, world.length_ms)


def allowed(maker, world):
    return maker.schema.defs["fault_kind"]["enum"]


def format_list(maker, world):
    return maker.chance.choice(["json", "json,csv", ["json", "md"], ["junit"]])


def healer(maker, world):
    return maker.strategy(world)


def configuration_parameter(maker, world):
    """A value of another service_time, queue, timeout ...: the schema says which goes with which."""
    some = maker.chance.choice(maker.schema.alternatives(maker.schema.defs["arguments_bad_configuration"]))
    row = maker.chance.choice(some["anyOf"])["properties"]
    word = row["parameter"]["anyOf"][0]["const"]
    return known({"parameter": word, "value": maker.draw(row["value"], word.split(".")[-1], "service." + word, world)},
                 "arguments_bad_configuration")


def duration(maker, world):
    return maker.chance.choice(["0s", maker.duration(1, 100), maker.duration(10, 2000), maker.duration(100, 20000)])


def rate(maker, world):
    c = maker.chance
    return c.choice(["%d/s" % c.randint(1, 15), "%d/min" % c.randint(1, 300), "%.1f/s" % (15 * c.random())])


def rare_rate(maker, world):
    return "%d/min" % maker.chance.randint(1, 20)


def size(maker, world):
    c = maker.chance
    return "%d%s" % c.choice([(c.randint(1, 900), "MiB"), (c.randint(1, 900), "kB"), (c.randint(1, 4), "GiB"), (c.randint(0, 9), "B"),
                              (c.randint(100, 600), "MB")])


HINTS = {
    # values with a unit
    "duration": duration, "positive_duration": lambda m, w: m.duration(1, 20000), "size": size, "rate": rate,
    "positive_rate": rare_rate, "size_rate": lambda m, w: size(m, w) + m.chance.choice(["/s", "/min"]),
    "share": lambda m, w: m.share(), "factor_share": lambda m, w: m.chance.choice([m.share(), round(3 * m.chance.random(), 2)]),
    "share_rate": lambda m, w: "%d%%/min" % m.chance.randint(1, 90), "tolerance": tolerance, "check": check,
    "probe": probe("probe"), "stop_condition": probe("stop_condition"),
    "timing_at": at, "method_probe.at": at, "group.at": at, "monkey.at": at,
    "timing_after": some_name(lambda w: w.entries), "method_probe.after": some_name(lambda w: w.entries),
    # names
    "service.name": lambda m, w: w.services[w.at], "fleet.services": services, "fleet.zones": zones,
    "service.calls": calls, "call.to": called, "cache.backend": called,
    "service.zones": lambda m, w: m.chance.sample(w.zones, m.chance.randint(1, len(w.zones))),
    "load": load, "edge_target": edge,
    "*.service": some_name(lambda w: w.services), "*.zone": some_name(lambda w: w.zones),
    "*.load": None, "zones_target.from": some_name(lambda w: w.zones), "zones_target.to": some_name(lambda w: w.zones),
    "load_target.load": some_name(lambda w: [name for name, _ in w.loads if name]),
    "*.feature": some_name(lambda w: w.features), "*.undoes": some_name(lambda w: w.entries),
    "instance_set": lambda m, w: m.chance.choice(w.services) if m.chance.random() < 0.4 else None,
    "safety.protected": lambda m, w: [m.chance.choice(w.services)] if m.chance.random() < 0.3 else [],
    "safety.allowed_faults": allowed, "safety.profile": one_of("development", "development", "development", "production"),
    # small worlds that end
    "scenario.duration": lambda m, w: "%dms" % w.length_ms, "scenario.warmup": seconds(1, 20),
    "scenario.cooldown": seconds(1, 20), "evaluation.horizon": seconds(5, 120),
    "evaluation.prediction_window": seconds(15, 120), "evaluation.minimum_lead": lambda m, w: m.duration(1, 5000),
    "operations.human_response": seconds(2, 30), "operations.human_fix": seconds(2, 40), "operations.think": seconds(1, 10),
    "fault_duration": lambda m, w: m.duration(100, 30000) if m.chance.random() < 0.8 else None,
    "scenario.replications": one_of(1, 1, 1, 2), "scenario.seed": lambda m, w: m.chance.choice(
        [m.chance.randint(0, 2 ** 53), str(m.chance.randint(0, 2 ** 64 - 1))]),
    "load.closed.think_time": seconds(0.3, 5), "telemetry.interval": seconds(0.5, 10),
    "telemetry.detail_interval": lambda m, w: "%ds" % m.chance.randint(1, 30), "telemetry.delay": lambda m, w: m.duration(1, 3000),
    "timing_repeat.every": seconds(1, 15), "timing_repeat.jitter": lambda m, w: m.duration(1, 900),
    "health_check.period": seconds(0.3, 10), "autoscaler.cooldown": seconds(1, 20), "quota.window": seconds(1, 20),
    "quota.limit": lambda m, w: int(10 ** (1 + 2.5 * m.chance.random())), "fds.limit": lambda m, w: m.chance.randint(8, 200),
    "memory.base": lambda m, w: "%dMiB" % m.chance.randint(10, 200), "disk.size": lambda m, w: "%dMiB" % m.chance.randint(200, 4000),
    "memory.limit": lambda m, w: "%dMiB" % m.chance.randint(250, 2000), "disk.used": lambda m, w: "%dMiB" % m.chance.randint(0, 190),
    "memory.per_request": lambda m, w: "%dkB" % m.chance.randint(0, 5000), "disk.per_request": lambda m, w: "%dkB" % m.chance.randint(0, 500),
    "quota.cost": lambda m, w: round(2 * m.chance.random(), 2), "call.pool": lambda m, w: m.chance.randint(2, 20),
    "gc_pause.every": seconds(0.1, 5), "arguments.every": seconds(0.3, 5), "instance_flap.up": seconds(0.3, 5),
    "arguments.up": seconds(0.3, 5), "arguments.down": seconds(0.3, 5), "arguments.pause": lambda m, w: m.duration(1, 2000),
    "service.service_time": lambda m, w: m.duration(1, 20) if m.chance.random() < 0.6 else None,
    "service.error_rate": lambda m, w: round(0.05 * m.chance.random() ** 2, 4) if m.chance.random() < 0.9 else None,
    "call.timeout": lambda m, w: m.duration(20, 5000), "slo.latency": lambda m, w: m.duration(50, 8000),
    "slo.target": lambda m, w: m.chance.choice(["20%", "70%", "90%", 0.95, "99%"]),
    "slo.quality": lambda m, w: m.chance.choice([0, 0.1, "50%"]), "fallback.quality": lambda m, w: m.chance.choice(["10%", 0.5, 1]),
    "closed.users": lambda m, w: m.chance.randint(1, 12),
    "distribution": None, "slo.window": lambda m, w: "%ds" % m.chance.randint(1, 20),
    "page_on.long": seconds(10, 60), "page_on.short": seconds(1, 10),
    "load.timeout": lambda m, w: m.duration(300, 10000) if m.chance.random() < 0.7 else None,
    "mmpp.means": lambda m, w: [m.duration(500, 8000) for _ in range(2)], "hyperexponential.branches": branches,
    "load.rate": rate, "mmpp.rates": lambda m, w: [rate(m, w), rate(m, w)],
    "surge.factor": lambda m, w: m.chance.choice([0, 0.5, 2, 4]), "traffic_surge.arguments.factor": lambda m, w: m.chance.choice([1, 2, 4]),
    "empirical.file": lambda m, w: "files/times.csv", "trace.file": lambda m, w: "files/trace.csv",
    "trace.per": seconds(0.8, 10), "trace.offset": seconds(1, 20),
    "distribution.mean": lambda m, w: m.duration(1, 60) if m.chance.random() < 0.9 else m.duration(60, 3000),
    "distribution.p50": lambda m, w: m.duration(1, 20), "distribution.p99": lambda m, w: m.duration(20, 200),
    "distribution.scale": lambda m, w: m.duration(1, 60), "distribution.min": lambda m, w: m.duration(1, 10),
    "distribution.max": lambda m, w: m.duration(10, 90), "distribution.sd": lambda m, w: m.duration(1, 20),
    "distribution.alpha": lambda m, w: round(1.3 + 3 * m.chance.random(), 2), "distribution.cv": lambda m, w: round(0.1 + 2 * m.chance.random(), 2),
    "trace.scale": lambda m, w: m.chance.choice([0, 0.1, 1]),
    # the rest
    "scenario.healer": healer, "scenario.fleet": lambda m, w: m.draw({"$ref": "#/$defs/fleet"}, "fleet", "fleet", w),
    "arguments_bad_configuration": configuration_parameter, "outputs.format": format_list, "outputs.out": lambda m, w: "elsewhere",
    "fault.name": entry_name, "group.name": entry_name, "monkey.name": entry_name, "method_probe.name": entry_name,
    "load.name": load_name, "*.classes": classes, "versions.name": lambda m, w: "v%d" % m.chance.randint(1, 99),
    "features.name": lambda m, w: "feature%d" % m.chance.randint(1, 99),
    "monkey.targets": lambda m, w: [monkey_target(m, w) for _ in range(m.chance.randint(1, 3))],
    "*.description": lambda m, w: m.text("description"), "timing_when.action": lambda m, w: m.chance.choice(m.actions),
}


def ladder_rules(maker, world):
    c = maker.chance
    return [{"name": "r%d" % i, "when": c.choice([
        "error_type_contains=%s" % c.choice(["latency", "memory", "error"]),
        "component_equals=%s" % c.choice(world.services)]),
        "do": c.choice(["restart_component", "escalate_alert", "log_and_continue", "circuit_break", "reload_config"]),
        "priority": c.randint(-10, 100), "enabled": c.random() < 0.9} for i in range(c.randint(1, 3))]


def degradation_rules(maker, world):
    c = maker.chance

    def condition():
        metric, value = c.choice([("error_rate", maker.share()), ("latency", maker.duration(10, 3000)),
                                  ("queue", c.randint(0, 20)), ("cpu", maker.share()), ("score", c.randint(0, 100))])
        row = {"metric": metric, "operator": c.choice([">", ">=", "<", "<=", "=="]), "value": value}
        if c.random() < 0.3:
            row["over"] = maker.duration(1000, 30000)
        return row

    rows = []
    for _ in range(c.randint(1, 3)):
        row = condition() if c.random() < 0.6 else {c.choice(["all", "any"]): [condition(), condition()]}
        row["level"] = c.choice(["reduced", "minimal", "emergency", "REDUCED_1", "MINIMAL", 1, 2, 4])
        for key in ("duration", "grace"):
            if c.random() < 0.5:
                row[key] = maker.duration(100, 10000)
        rows.append(row)
    return rows


def degradation_levels(maker, world):
    c = maker.chance
    rows = copy.deepcopy(maker.options["degradation"]["levels"])[:c.randint(2, 5)]
    for row in rows[1:]:
        row["timeout"] = round(0.1 + 0.9 * c.random(), 2)
        row["concurrency"] = c.randint(1, 10)
        row["min_priority"] = c.randint(0, 500)
    return rows


def resource_levels(maker, world):
    rows = degradation_levels(maker, world)
    return [{key: value for key, value in row.items() if key not in ("min_priority", "off")} for row in rows]


def degradation_features(maker, world):
    c = maker.chance
    names = c.sample(sorted(set(world.features)), min(len(set(world.features)), 3))
    rows = [{"name": name, "off_at": c.choice(["REDUCED_1", "REDUCED_2", 1, 3]), "priority": c.randint(0, 499)}
            for name in names]
    if len(rows) > 1 and c.random() < 0.5:
        rows[1]["needs"] = [rows[0]["name"]]
    return rows


def per_resource(maker, world):
    c = maker.chance
    return c.choice([True, False, {"first_usage": maker.share()}, {"levels": resource_levels(maker, world)}])


def channels(maker, world):
    c = maker.chance
    return [{"name": "c%d" % i, "kind": c.choice(["chat", "pager"]), "url": c.choice(["env:NOBODY", "http://127.0.0.1:9/"]),
             "level": c.choice(["warning", "critical", "emergency"])} for i in range(c.randint(1, 2))]


OPTION_HINTS = {"recovery.rules": ladder_rules, "degradation.rules": degradation_rules,
                "degradation.levels": degradation_levels, "degradation.features": degradation_features,
                "escalation.channels": channels,
                "name": lambda m, w: m.text("name"),
                "fallback.default.order": lambda m, w: m.chance.choice([["static"], ["cached"], ["cached", "static"]]),
                "detection.interval": seconds(0.5, 15)}
for resource in ("cpu", "memory", "disk", "fds", "pool", "tokens", "network", "error_rate", "latency", "queue"):
    OPTION_HINTS["degradation.per_resource." + resource] = per_resource
