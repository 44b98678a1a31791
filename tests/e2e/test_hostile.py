"""Text of a scenario stays text: in HTML, SVG, gnuplot, CSV, shell, SQL, Prometheus, a terminal.

Every string that may be free is hostile in each of these languages at once, and everything
that comes out is held against what comes out of a friendly twin of the same scenario: the
same structure, and nothing was carried out. What else comes from outside: test_hostile_outside.py.
"""
import copy
import json
import os
import re
import stat

import chaos
import hostile
from hostile import CONTROLS, FORMATS, HOSTILE


def short(text):
    """As much of it as a name of the healer's may have."""
    return text.encode()[:31].decode(errors="ignore")


def narrow(text):
    """As much of it as the name of a service may have, which is hostile enough."""
    return re.sub(r'[\s{}=,"\\/*>\x00-\x1f]', "", text).encode()[:60].decode(errors="ignore")


def file_name(text):
    return text.replace("/", "").encode()[:100].decode(errors="ignore")


def friendly(text, number):
    return "name %d" % number


# Strings of the schema that cannot hold a text of anybody's choice, or do so in another test.
NOT_FREE = {
    "/analysis/metrics[]/margin": "a quantity", "/analysis/max_loss": "a quantity",
    "/outputs/format": "names of writers", "/outputs/format[]": "names of writers",
    "/outputs/out": "the folder, which --out names here; test_hostile_outside.py",
    "/fleet": "a file's name; test_hostile_outside.py", "/healer": "a file's name; test_hostile_outside.py",
    "/healer/exec[]": "a program; test_hostile_outside.py",
    "/configuration/matrix/*[]": "each is a run of its own; test_hostile_outside.py",
}


class Schema:
    """Which free strings there are, and which of them a scenario has."""

    def __init__(self):
        with open(os.path.join(chaos.SCENARIOS, "scenario.schema.json"), encoding="utf-8") as f:
            self.root = json.load(f)

    @staticmethod
    def is_free(node):
        return node.get("type") == "string" and not {"enum", "const", "pattern", "anyOf", "allOf"} & set(node)

    def parts(self, node, at):
        """(kind, name, node, place) of what is directly within; a $ref begins a place of its own."""
        if "$ref" in node:
            place = node["$ref"][2:]
            yield "same", None, self.root["$defs"][place[6:]], place
        for word in ("anyOf", "oneOf", "allOf"):
            for branch in node.get(word, []):
                yield "same", None, branch, at
        for key, part in node.get("properties", {}).items():
            if isinstance(part, dict):
                yield "key", key, part, at + "/" + key
        if isinstance(node.get("additionalProperties"), dict):
            yield "key", None, node["additionalProperties"], at + "/*"
        if isinstance(node.get("items"), dict):
            yield "item", None, node["items"], at + "[]"

    def every(self, node=None, at="", seen=None):
        """The places of all free strings."""
        seen = set() if seen is None else seen
        node = self.root if node is None else node
        found = {at} if self.is_free(node) else set()
        for _, _, part, place in self.parts(node, at):
            if not (place.startswith("$defs/") and "/" not in place[6:]):
                found |= self.every(part, place, seen)
            elif place not in seen:
                seen.add(place)
                found |= self.every(part, place, seen)
        return found

    def fits(self, node, value):
        """As far as branches of our schema have to be told apart."""
        if "$ref" in node:
            return self.fits(self.root["$defs"][node["$ref"][8:]], value)
        if not isinstance(value, dict) or node.get("type") != "object":
            return True
        known = node.get("properties", {})
        return (node.get("additionalProperties") is not False or set(value) <= set(known)) and all(
            part is True or part.get("const", value[key]) == value[key] for key, part in known.items() if key in value)

    def had_by(self, value, node=None, at=""):
        node = self.root if node is None else node
        found = {at} if isinstance(value, str) and self.is_free(node) else set()
        for kind, key, part, place in self.parts(node, at):
            if kind == "same" and self.fits(part, value):
                found |= self.had_by(value, part, place)
            elif kind == "key" and isinstance(value, dict):
                known = node.get("properties", {})
                for name in [key] if key is not None else set(value) - set(known):
                    if name in value:
                        found |= self.had_by(value[name], part, place)
            elif kind == "item" and isinstance(value, list):
                for one in value:
                    found |= self.had_by(one, part, place)
        return found


class Hostile(hostile.Checks):
    turn = 0  # by how much each text is at another place

    def scenario(self, made):
        """The small world, each free text made by `made(language's text, number)`."""
        every = list(HOSTILE.values())
        texts = [made(text, i) for i, text in enumerate(every[self.turn:] + every[:self.turn])]
        scenario = chaos.small(replications=1, duration="5m", warmup="1m", title=texts[0],
                               description=" ".join(texts), tags=texts[:6])
        for i, entry in enumerate(scenario["method"]):
            entry["name"] = texts[1 + i]
        scenario["load"][0]["name"] = texts[3]
        for i, zone in enumerate(scenario["fleet"]["zones"]):
            zone["name"] = texts[4 + i]
        old = {service["name"]: narrow(text)
               for service, text in zip(scenario["fleet"]["services"], (texts[0], texts[7]))}
        self.rename(scenario, old)
        # One more fault for each text that has no place yet.
        for i in range(7, len(texts)):
            entry = copy.deepcopy(scenario["method"][0])
            entry.update(name=texts[i], at="%ds" % (60 + 10 * i), duration="5s")
            scenario["method"].append(entry)
        self.name_the_rest(scenario, texts)
        self.refer_to_all(scenario, texts)
        return scenario

    def name_the_rest(self, scenario, texts):
        """A name for everything else that may have one."""
        service = scenario["fleet"]["services"][0]
        probe = {"metric": "availability", "window": "1m", "tolerance": ">= 1%"}
        scenario["fleet"]["name"] = texts[1]
        scenario["configuration"] = {"words": texts[2]}
        scenario["description"] += "${words}"
        scenario["steady_state"] = {"title": texts[3], "probes": [dict(probe, name=texts[4])]}
        scenario["stop_conditions"] = [dict(probe, name=texts[5], tolerance="<= 100%")]
        scenario["load"][0]["classes"] = [{"name": texts[6], "share": 0.3}, {"name": texts[7], "share": 0.7}]
        service["features"] = [{"name": short(texts[8]), "cost": 0.1, "quality": 0.1}]
        service["versions"] = [{"name": texts[9]}, {"name": texts[10]}]
        inner = copy.deepcopy(scenario["method"][0])
        inner.update(name=texts[11] + " again", at="1s", duration="5s")
        scenario["method"] += [
            {"name": texts[12] + " again", "serial": [inner], "at": "4m"},
            {"name": texts[13] + " again", "probe": dict(probe, name=texts[0]), "at": "4m30s"},
            {"name": texts[1] + " again", "at": "2m",
             "monkey": {"rate": "6/min", "budget": 1, "faults": ["crash"], "targets": [service["name"]]}}]
        scenario["healer"] = {
            "extends": "default", "name": texts[2],
            "escalation": {"channels": [{"name": short(texts[3]), "kind": "chat", "url": "env:CHAT_URL"}]},
            "degradation": {"features": [{"name": short(texts[8]), "off_at": short(texts[4])}], "levels": [
                {"name": short(texts[5]), "capacity": 1, "usage": 0, "timeout": 1, "quality": 1},
                {"name": short(texts[4]), "capacity": "90%", "usage": "95%", "timeout": 0.9, "quality": 0.5}]}}

    def refer_to_all(self, scenario, texts):
        """Each place where one of the names is said again, and files with names of that kind."""
        fleet, method = scenario["fleet"], scenario["method"]
        one, other = (service["name"] for service in fleet["services"])
        zones = [zone["name"] for zone in fleet["zones"]]
        third = narrow(texts[9])
        times = self.write(file_name(texts[3]) + ".txt", "4ms\n6ms\n")
        rates = self.write(file_name(texts[4]) + ".csv", "timestamp,value\n2024-03-05 00:00:00,1\n2024-03-05 00:05:00,2\n2024-03-05 00:10:00,1\n")
        fleet["services"][0]["zones"] = zones
        fleet["services"].append({"name": third, "instances": 1, "zones": [zones[1]], "concurrency": 4, "queue": 8,
                                  "service_time": {"dist": "empirical", "file": os.path.basename(times)}})
        fleet["services"][1]["calls"] = [{"to": third, "timeout": "1s"}]
        fleet["services"][1]["data"] = {"cache": {"hit_ratio": "90%", "backend": third}}
        scenario["load"] += [
            {"name": texts[8], "to": one, "process": "closed", "users": 1, "think_time": {"dist": "exponential", "mean": "5s"},
             "timeout": "5s", "classes": [{"name": texts[9], "share": 1}]},
            {"name": texts[10], "to": one, "process": "trace", "file": os.path.basename(rates), "per": "1s", "timeout": "5s"}]
        scenario["background"] = [{"kind": "configuration_change", "rate": "1/h", "target": {"service": third}},
                                  {"kind": "benign_restart", "rate": "1/h", "target": {"service": third}}]
        scenario["safety"] = {"protected": [third]}
        scenario["analysis"] = {"metrics": [{"name": "availability", "margin": "1%"}]}
        scenario["thresholds"] += ["availability{service=%s} >= 0%%" % one,
                                   {"check": "availability{service=%s} >= 0%%" % other, "confidence": "90%"}]
        scenario["steady_state"]["probes"].append(
            {"name": texts[2], "metric": "availability", "service": one, "window": "1m", "tolerance": ">= 1%"})
        scenario["stop_conditions"].append(
            {"name": texts[2], "metric": "availability", "service": one, "window": "1m", "tolerance": "<= 100%"})
        named = {"delay": "1ms"}
        method += [
            {"name": texts[0] + " 1", "fault": "partition", "target": {"zone": zones[0]}, "at": "4m40s", "duration": "1s"},
            {"name": texts[1] + " 2", "fault": "latency", "target": {"from": zones[0], "to": zones[1]}, "at": "4m40s",
             "duration": "1s", "arguments": named},
            {"name": texts[2] + " 3", "fault": "traffic_surge", "target": {"load": texts[8]}, "at": "4m40s",
             "duration": "1s", "arguments": {"factor": 2}},
            {"name": texts[3] + " 4", "fault": "feature_flag_flip", "target": {"service": one}, "at": "4m40s",
             "duration": "1s", "arguments": {"feature": fleet["services"][0]["features"][0]["name"]}},
            {"name": texts[4] + " 5", "fault": "hang", "target": {"service": one, "zone": zones[0], "instances": "one"},
             "at": "4m41s", "duration": "5s"},
            {"name": texts[5] + " 6", "fault": "reapplying_actor", "target": {"service": one}, "at": "4m41s",
             "duration": "5s", "arguments": {"undoes": texts[4] + " 5"}},
            {"name": texts[6] + " 7", "fault": "crash", "after": texts[4] + " 5",
             "target": {"random": 1, "of": [one, {"service": other, "zone": zones[1]}], "exclude": [third]}},
            {"name": texts[7] + " 8", "fault": "crash", "target": {"service": other, "instances": "one"},
             "when": {"event": "action_started", "action": "restart_instance", "service": one}},
            {"name": texts[8] + " 9", "at": "4m50s", "monkey": {
                "rate": "6/min", "budget": 1, "faults": ["crash"], "targets": [one, {"service": other, "zone": zones[0]}]}},
            {"name": texts[9] + " 10", "at": "4m50s", "monkey": {
                "rate": "6/min", "budget": 1, "targets": [{"service": one}], "faults": [
                    {"fault": "feature_flag_flip", "duration": "1s",
                     "arguments": {"feature": fleet["services"][0]["features"][0]["name"]}}]}}]

    def rename(self, node, old):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, (dict, list)):
                self.rename(value, old)
            elif key in ("name", "to", "from", "service") and value in old:
                node[key] = old[value]

    def run_both(self):
        for name, made in (("friendly", friendly), ("hostile", lambda text, _: text)):
            path = self.write(name + ".json", self.scenario(made))
            told = self.chaos(path, "--quiet", "--format", FORMATS, "--out", self.path(name),
                              "--db", self.path(name + ".db"))
            self.assertIn(told.code, (0, 4), "\n%s" % told)  # 4: where nobody is, nothing was touched
            self.assert_plain(told, name)
            self.told = told

    def test_every_free_string_of_the_schema_is_hostile_here(self):
        """So that one which is new has to be put here, or explained."""
        schema = Schema()
        every = schema.every()
        self.assertGreater(len(every), 30)
        had = schema.had_by(self.scenario(lambda text, _: text))
        self.assertEqual(set(), every - had - set(NOT_FREE))
        self.assertEqual(set(), set(NOT_FREE) - every)

    def test_everything_that_is_written(self):
        self.run_both()
        self.check_all()

    def test_everything_that_is_written_with_each_text_at_another_place(self):
        self.turn = 5
        self.test_everything_that_is_written()

    def test_everything_that_is_printed(self):
        """Also of a file that is wrong, whose messages name what is in it."""
        self.run_both()
        path = self.path("hostile.json")
        wrong = self.scenario(lambda text, _: text)
        wrong[HOSTILE["terminal"]] = 1
        wrong["load"][0]["to"] = HOSTILE["terminal"]
        wrong["method"][0]["fault"] = HOSTILE["terminal"]
        wrong = self.write("wrong" + HOSTILE["terminal"].replace("/", "") + ".json", wrong)
        for args in (["validate", path], ["plan", path], ["plan", path, "--json"],
                     ["explain", self.path("hostile")], ["report", self.path("hostile"), "--no-plots"],
                     ["report", "--db", self.path("hostile.db"), "--out", self.path("trends"), "--no-plots"],
                     ["list", "scenarios", self.folder], ["validate", wrong], [wrong], ["explain", wrong],
                     ["ab", path, "--a", "default", "--b", "none", "--runs", "1", "--no-plots",
                      "--out", self.path("ab")],
                     [HOSTILE["terminal"]], ["--" + HOSTILE["terminal"]], ["list", HOSTILE["terminal"]],
                     [path, "--strategy", HOSTILE["terminal"]], [path, "--set", HOSTILE["terminal"]],
                     [path, "--only", HOSTILE["terminal"]], [path, "--db", self.path("x\u001b[2J", "y")]):
            told = self.chaos(*args)
            with self.subTest(" ".join(args[:2])):
                self.assert_plain(told)
                self.assertIn(told.code, (0, 2, 4, 6, 7, 74), "\n%s" % told)
        for name in self.files_below(self.path("ab")) + self.files_below(self.path("trends")):
            if name.endswith((".html", ".md", ".xml")):
                self.assertNotRegex(self.text("trends" if name == "trends.html" else "ab", name),
                                    r"<script>(alert|x)|<img src=x|[\x1b\x9b]")
        self.assert_nothing_was_carried_out()


class Places(chaos.Case):
    def test_a_file_of_a_scenario_reaches_no_further_than_its_folder(self):
        """Neither by dots, nor from the root, nor through a link; with --allow-path it may."""
        self.write("secret/fleet.json", chaos.SMALL["fleet"])
        self.write("secret/s.json", {"retry": {"max_attempts": 2}})
        os.makedirs(self.path("in"))
        os.symlink(self.path("secret", "fleet.json"), self.path("in", "link.json"))
        os.symlink(self.path("secret"), self.path("in", "folder"))
        for place in ("../secret/fleet.json", self.path("secret", "fleet.json"), "link.json",
                      "folder/fleet.json", "./folder/./fleet.json"):
            path = self.write("in/a.json", chaos.small(fleet=place, duration="5m30s"))
            with self.subTest(place):
                told = self.chaos("validate", path)
                self.assert_code(2, told)
                self.assertIn("allow-path", told.err)
                self.assert_code(0, self.chaos("validate", path, "--allow-path", self.path("secret")))

    def test_what_a_scenario_has_written_goes_no_further_than_its_folder_either(self):
        """Also where nothing is yet: folders that would be made on the way, links to nothing."""
        os.makedirs(self.path("in"))
        os.makedirs(self.path("secret"))
        for link, to in (("dangling", "../escaped"), ("dangling.db", "../escaped.db"), ("there", "../secret")):
            os.symlink(to, self.path("in", link))
        places = ["../escaped", self.path("escaped"), "new/../../escaped", "new/newer/../../../escaped", "dangling",
                  "dangling.db", "dangling/escaped", "there/escaped", "there/../escaped", "./.././escaped",
                  "new/there/../../../escaped"]
        for what in (lambda place: {"outputs": {"out": place}},
                     lambda place: {"healer": {"extends": "default", "store": {"path": place}}}):
            for place in places:
                path = self.write("in/a.json", chaos.small(duration="5m30s", replications=1, **what(place)))
                with self.subTest(place):
                    told = self.chaos(path, "--quiet", "--no-plots")
                    self.assert_code(2, told)
                    self.assertIn("leaves the folder of the file (--allow-path DIR allows it)", told.err)
        self.assertEqual({"in", "secret"}, set(os.listdir(self.folder)) - {"chaos-results"})
        self.assertEqual([], os.listdir(self.path("secret")))
        path = self.write("in/a.json", chaos.small(duration="5m30s", replications=1, outputs={"out": "new/../newer"}))
        self.assert_code(2, self.chaos(path, "--quiet", "--no-plots"))  # what is not there has no parent yet
        path = self.write("in/a.json", chaos.small(duration="5m30s", replications=1, outputs={"out": "../escaped"}))
        told = self.chaos(path, "--quiet", "--no-plots", "--allow-path", self.folder)
        self.assert_code(0, told)
        self.assertIn("result.json", os.listdir(self.path("escaped")))

    def test_what_is_written_is_beside_nobody(self):
        """--out through a link of somebody else's: refused, and what it points to is as it was."""
        self.write("theirs/thesis.txt", "years of work")
        os.symlink(self.path("theirs"), self.path("out"))
        self.assert_code(74, self.run_small("out"))
        self.assertEqual(["thesis.txt"], self.files_below(self.path("theirs")))
        os.unlink(self.path("out"))
        # A file of ours that was replaced by a link is replaced, not written through.
        self.assert_code(0, self.run_small("out"))
        victim = self.write("victim.txt", "precious")
        os.unlink(self.path("out", "report.md"))
        os.symlink(victim, self.path("out", "report.md"))
        self.run_small("out")
        with open(victim, encoding="utf-8") as f:
            self.assertEqual("precious", f.read())
        # A folder of ours that was replaced by a link is not written into.
        os.symlink(self.path("theirs"), self.path("out", "plots"))
        self.assert_code(74, self.chaos(self.path("small.json"), "--quiet", "--out", self.path("out")))
        self.assertEqual(["thesis.txt"], self.files_below(self.path("theirs")))

    def test_no_command_writes_over_a_file_of_somebody_else(self):
        """Files are told from our own by what is in them, and may be replaced again by the same command."""
        work = "years of work\n"
        small = self.write("small.json", chaos.small(replications=1, duration="1m", warmup="30s", method=[]))
        again = self.write("again.json", chaos.small(replications=1, duration="1m", warmup="30s", method=[]))
        cpu = self.write("cpu.csv", "timestamp,value\n" + "".join(
            "2024-01-01 %02d:%02d:00,1\n" % (i // 60, i % 60) for i in range(100)))
        self.assert_code(0, self.run_small("run", chaos.small(replications=1, duration="1m", warmup="30s", method=[])))
        for name, args in (("b/campaign.csv", [small, again, "--quiet", "--no-plots", "--out", self.path("b")]),
                           ("c/again/thesis.txt", [small, again, "--quiet", "--no-plots", "--out", self.path("c")]),
                           ("d/trends.html", ["report", self.path("run"), self.path("run"), "--no-plots", "--out", self.path("d")]),
                           ("state.json", ["train", small, "--runs", "1", "--out", self.path("state.json")]),
                           ("g/curve.md", ["train", small, "--runs", "1", "--out", self.path("s"), "--curve", self.path("g")]),
                           ("scores.csv", ["replay", cpu, "--scores", self.path("scores.csv")]),
                           ("h/cpu.csv", ["replay", cpu, "--scores", self.path("h")]),
                           ("x.db", [small, "--quiet", "--no-plots", "--db", self.path("x.db"), "--out", self.path("i")])):
            with self.subTest(name):
                path = self.write(name, work)
                self.assert_code(74, self.chaos(*args))
                with open(path, encoding="utf-8") as f:
                    self.assertEqual(work, f.read())
                os.unlink(path)
                for _ in range(2):
                    self.assertIn(self.chaos(*args).code, (0, 7))

    def test_its_temporary_files_are_its_own(self):
        """A foreseeable name that is a link already: not written through."""
        victim = self.write("victim.txt", "precious")
        bait = self.path("tmp")
        os.makedirs(bait)
        for name in ("chaos-run", "gnuplot", "result.json", "plots"):
            os.symlink(victim, os.path.join(bait, name))
        small = self.write("small.json", chaos.SMALL)
        before = os.umask(0)
        try:
            told = self.chaos(small, "--quiet", "--out", self.path("out"), env={"TMPDIR": bait})
        finally:
            os.umask(before)
        self.assert_code(0, told)
        with open(victim, encoding="utf-8") as f:
            self.assertEqual("precious", f.read())
        self.assertEqual(4, len(os.listdir(bait)), "something is left in TMPDIR")

    def test_what_is_being_written_is_private_whatever_the_umask_is(self):
        """A stand-in for gnuplot looks at what there is while it draws: the modes of what has no name yet."""
        os.chmod(self.write("bin/gnuplot", "#!/bin/sh\nstat -c '%%a %%n' .*.tmp >>'%s'\nexit 1\n" %
                            self.path("modes")), 0o755)
        before = os.umask(0)
        try:
            self.chaos(self.write("small.json", chaos.small(replications=1)), "--quiet", "--out", self.path("out"),
                       env={"PATH": self.path("bin") + ":/usr/bin:/bin"})
        finally:
            os.umask(before)
        with open(self.path("modes"), encoding="utf-8") as f:
            modes = f.read().splitlines()
        self.assertGreater(len(modes), 3)
        self.assertEqual({"600"}, {line.split()[0] for line in modes})
        self.assertEqual(0o666, stat.S_IMODE(os.stat(self.path("out", "result.json")).st_mode))

    def test_who_may_read_is_the_umask(self):
        old = os.umask(0o077)
        try:
            self.assert_code(0, self.run_small("out", None, "--db", self.path("x.db")))
        finally:
            os.umask(old)
        for name in ["x.db"] + [os.path.join("out", n) for n in self.files_below(self.path("out"))]:
            self.assertEqual(0, stat.S_IMODE(os.stat(self.path(name)).st_mode) & 0o077, name)


