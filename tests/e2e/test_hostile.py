"""Text of a scenario stays text: in HTML, SVG, gnuplot, CSV, shell, SQL, Prometheus, a terminal.

Every string that may be free is hostile in each of these languages at once, and everything
that comes out is held against what comes out of a friendly twin of the same scenario: the
same structure, and nothing was carried out.
"""
import copy
import csv
import glob
import html.parser
import json
import os
import re
import sqlite3
import stat
import xml.etree.ElementTree as xml

import chaos

# What would do harm, by the language that would do it.
HOSTILE = {
    "html": "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x",
    "svg": "]]></text><script>x</script>&xxe;<!--",
    "gnuplot": "x'; system('touch owned'); \"`touch owned`\" @x {/Symbol y} \\ %s",
    "formula": "=cmd|' /C touch owned'!A0",
    "plus": "+1+cmd|'x'",
    "at": "@SUM(A1)",
    "minus": "-2+3",
    "shell": "$(touch owned); touch owned | `touch owned` && ../../owned",
    "sql": "x'); drop table runs; --\"; attach database 'owned' as o; --",
    "prom": "a\"} 1\nowned{x=\"\\",
    "markdown": "[x](javascript:alert(1)) | a | <b>\n# owned",
    "terminal": "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eowned\r",
    "path": "../../../owned",
    "format": "%n%s%s%%",
}
FORMATS = "json,journal,junit,html,md,csv,prom,om,svg,grafana"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


class Tags(html.parser.HTMLParser):
    """The tags of a page with the names of their attributes, texts left out."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(sorted(name for name, _ in attributes))))


def short(text):
    """As much of it as a name of the healer's may have."""
    return text.encode()[:31].decode(errors="ignore")


def friendly(text, number):
    return "name %d" % number


class Hostile(chaos.Case):
    turn = 0  # by how much each text is at another place

    def scenario(self, made):
        """The small world, each free text made by `made(language's text, number)`."""
        hostile = list(HOSTILE.values())
        texts = [made(text, i) for i, text in enumerate(hostile[self.turn:] + hostile[:self.turn])]
        scenario = chaos.small(replications=1, duration="5m", warmup="1m", title=texts[0],
                               description=" ".join(texts), tags=texts[:6])
        for i, entry in enumerate(scenario["method"]):
            entry["name"] = texts[1 + i]
        scenario["load"][0]["name"] = texts[3]
        for i, zone in enumerate(scenario["fleet"]["zones"]):
            zone["name"] = texts[4 + i]
        # Services have narrower names; what is left over in them is hostile enough.
        old = {service["name"]: re.sub(r'[\s{}=,"\\/*>\x00-\x1f]', "", text)[:60]
               for service, text in zip(scenario["fleet"]["services"], (texts[0], texts[7]))}
        self.rename(scenario, old)
        # One more fault for each text that has no place yet.
        for i in range(7, len(texts)):
            entry = copy.deepcopy(scenario["method"][0])
            entry.update(name=texts[i], at="%ds" % (60 + 10 * i), duration="5s")
            scenario["method"].append(entry)
        self.name_the_rest(scenario, texts)
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
            {"name": texts[1] + " again", "monkey": {"rate": "6/min", "budget": 1, "faults": ["crash"]}, "at": "2m"}]
        scenario["healer"] = {
            "extends": "default", "name": texts[2],
            "escalation": {"channels": [{"name": short(texts[3]), "kind": "chat", "url": "env:CHAT_URL"}]},
            "degradation": {"features": [{"name": short(texts[8]), "off_at": short(texts[4])}], "levels": [
                {"name": short(texts[5]), "capacity": 1, "usage": 0, "timeout": 1, "quality": 1},
                {"name": short(texts[4]), "capacity": "90%", "usage": "95%", "timeout": 0.9, "quality": 0.5}]}}

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
            self.assert_code(0, told)
            self.assertNotRegex(told.out + told.err, CONTROLS, name)
            self.told = told

    def text(self, out, name):
        with open(self.path(out, name), encoding="utf-8", newline="") as f:
            return f.read()

    def both(self, name):
        return self.text("friendly", name), self.text("hostile", name)

    def assert_nothing_was_carried_out(self):
        for at in (self.folder, os.path.dirname(self.folder), "/", os.getcwd()):
            self.assertNotIn("owned", os.listdir(at), at)
        for name in self.files_below(self.folder):
            self.assertFalse(name.endswith("owned"), name)

    def test_everything_that_is_written(self):
        self.run_both()
        self.assert_nothing_was_carried_out()
        # Chance goes by names, so what happened may be other, and have other plots.
        plots = re.compile(r"plots/[a-z_]+\.(gp|svg)")
        files = [[name for name in self.files_below(self.path(out)) if not plots.fullmatch(name)]
                 for out in ("friendly", "hostile")]
        self.assertEqual(*files)
        for check in (self.check_page, self.check_plots, self.check_tables, self.check_junit,
                      self.check_metrics, self.check_markdown, self.check_json, self.check_database,
                      self.check_terminal):
            with self.subTest(check.__name__):
                check()

    def check_page(self):
        one, other = map(Tags, self.both("report.html"))
        self.assertEqual({tag for tag in one.tags}, {tag for tag in other.tags})

    def check_terminal(self):
        """Nothing that `cat` would hand to a terminal as more than text."""
        for name in self.files_below(self.path("hostile")):
            # JSON keeps a text as it is, but for the controls that it must escape.
            controls = r"[\x00-\x08\x0b-\x1f]" if "json" in name else CONTROLS
            with self.subTest(name):
                self.assertNotRegex(self.text("hostile", name), controls)

    def check_plots(self):
        for path in glob.glob(self.path("hostile", "plots", "*.svg")):
            tree = xml.parse(path)
            tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
            self.assertFalse(tags & {"script", "image", "foreignObject"}, path)
            for element in tree.iter():
                for key, value in element.attrib.items():
                    self.assertFalse(key.startswith("on"), path)
                    self.assertNotIn("javascript", value)
        self.assertGreater(len(glob.glob(self.path("hostile", "plots", "*.svg"))), 3)

    def check_tables(self):
        """A field that begins like a formula is a number, or has something before it."""
        for name in ("metrics.csv", "incidents.csv", "series.csv"):
            one, other = (list(csv.reader(text.splitlines())) for text in self.both(name))
            self.assertEqual([len(row) for row in one], [len(row) for row in other], name)
            for row in other:
                for field in row:
                    if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                        float(field)

    def check_junit(self):
        one, other = (xml.fromstring(text.encode()) for text in self.both("junit.xml"))
        self.assertEqual([e.tag for e in one.iter()], [e.tag for e in other.iter()])

    def check_metrics(self):
        """Line by line: a name of ours, labels with what may end them escaped, a number."""
        label = r'\w+="(?:[^"\\\n]|\\[\\n"])*"'
        line = re.compile(r'# (HELP|TYPE|UNIT) chaos_\w+ [^\n]+|# EOF|'
                          r'chaos_\w+(\{%s(,%s)*\})? [-+0-9.eEInfNa]+( [0-9.]+)?' % (label, label))
        for name in ("metrics.prom", "metrics.om"):
            lines = self.text("hostile", name).rstrip("\n").split("\n")
            self.assertGreater(len(lines), 100)
            for row in lines:
                self.assertTrue(line.fullmatch(row), row)

    def check_markdown(self):
        one, other = self.both("report.md")
        self.assertEqual(one.count("\n"), other.count("\n"))
        self.assertNotIn("<script", other)
        self.assertNotRegex(other, r"(?<!\\)\[x\]\(javascript")

    def check_json(self):
        for name in ("result.json", "grafana.json", "run.json"):
            one, other = map(json.loads, self.both(name))
            self.assertEqual(one.keys(), other.keys())
        for line in self.text("hostile", "journal.jsonl").splitlines():
            json.loads(line)

    def check_database(self):
        counts = []
        for name in ("friendly", "hostile"):
            with sqlite3.connect(self.path(name + ".db")) as file:
                tables = [row[0] for row in file.execute(
                    "select name from sqlite_master where type = 'table' order by 1")]
                counts.append([(t, file.execute("select count(*) from " + t).fetchone())
                               for t in tables])
        self.assertEqual([t for t, _ in counts[0]], [t for t, _ in counts[1]])

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
                self.assertNotRegex(told.out, CONTROLS)
                self.assertNotRegex(told.err, CONTROLS)
                self.assertIn(told.code, (0, 2, 6, 7, 74), "\n%s" % told)
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


