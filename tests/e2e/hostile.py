"""What the tests of hostile text share: the texts, and the checks of what comes of them.

Every text does harm in one language, and is held against a friendly twin: what comes out of both
has the same structure, and nothing was carried out.
"""
import csv
import glob
import html.parser
import json
import os
import re
import sqlite3
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
    "bidi": "\u202e\u2066gpj.exe\u2069\u061c\u200f\ufeff\U000e0041\u2028\ufff9",
    "mention": "@channel <!here> <https://evil.example|ours> @everyone",
    "long": "\u00e9\u20ac\U0001f600" * 90,  # which ends within a character wherever it is cut
}
FORMATS = "json,journal,junit,html,md,csv,prom,om,svg,grafana"
# What commands a terminal, turns the direction of writing, or is there and not seen.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
                      "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")


class Tags(html.parser.HTMLParser):
    """The tags of a page with the names of their attributes, texts left out."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(sorted(name for name, _ in attributes))))


class Checks(chaos.Case):
    def assert_plain(self, told, what=None):
        """Both of its streams: UTF-8 and nothing but text."""
        for raw in told.raw:
            self.assertNotRegex(raw.decode("utf-8"), CONTROLS, what)

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

    def check_all(self):
        """The folder `hostile` and hostile.db against their friendly twins."""
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
            with self.subTest(name):
                self.assertNotRegex(self.text("hostile", name), CONTROLS)

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
            self.assertEqual(one[0], other[0], name)
            self.assertEqual({len(one[0])}, {len(row) for row in other}, name)
            for row in other:
                for field in row:
                    if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                        float(field)

    def check_junit(self):
        one, other = (xml.fromstring(text.encode()) for text in self.both("junit.xml"))
        outcomes = {"failure", "skipped", "error"}
        self.assertEqual([e.tag for e in one.iter() if e.tag not in outcomes],
                         [e.tag for e in other.iter() if e.tag not in outcomes])

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
