"""report.html, as a browser shows it and as its readers need it.

Of a run and of a comparison: the same page is measured at three widths, in both
themes and on paper, its figures are those of result.json, and nothing is asked of
the network. CHAOS_SCREENSHOTS=DIR keeps the pictures that are taken.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser

import chaos
from test_report_formats import BROWSERS, MEASURE, needs

WIDTHS = (360, 800, 1280)
THEMES = {"light": 1, "dark": 0}  # Blink's preferredColorScheme


class Page(HTMLParser):
    """What of the page is looked at."""

    def __init__(self, text):
        super().__init__()
        self.figures, self.headings, self.roles, self.links, self.ids = [], [], [], [], set()
        self.lang = self.open_heading = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids.add(a.get("id"))
        if tag == "data":
            self.figures += [float(word) for word in a["value"].split()]
        elif re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "html":
            self.lang = a.get("lang")
        elif tag == "a":
            self.links.append(a["href"])
        if a.get("role"):
            self.roles.append((a["role"], a.get("aria-label", "")))


def numbers_of(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from numbers_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from numbers_of(value)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield float(node)


def luminance(colour):
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    parts = [int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class ReportPage(chaos.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = tempfile.mkdtemp(prefix="chaos-page-")
        cls.addClassCleanup(shutil.rmtree, cls.results, True)
        small = os.path.join(cls.results, "small.json")
        with open(small, "w", encoding="utf-8") as f:
            json.dump(chaos.small(title="A shop with a name that is rather long, for once"), f)
        for name, words in (("run", []), ("ab", ["ab", "--a", "default", "--b", "none", "--c",
                                                 "reactive", "--runs", "8"])):
            subprocess.run([chaos.program(), *words[:1], small, *words[1:], "--quiet", "--out",
                            os.path.join(cls.results, name)], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, env=chaos.environment(), timeout=120)

    def page(self, name):
        with open(os.path.join(self.results, name, "report.html"), encoding="utf-8") as f:
            return f.read()

    def browse(self, *options, url):
        browser = next(shutil.which(b) for b in BROWSERS if shutil.which(b))
        return subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + self.path("profile"),
             *options, url], capture_output=True, text=True, timeout=120)

    def shoot(self, name, width, theme):
        picture = self.path("%s-%d-%s.png" % (name, width, theme))
        self.browse("--window-size=%d,2000" % width, "--screenshot=" + picture,
                    "--blink-settings=preferredColorScheme=%d" % THEMES[theme],
                    url="file://" + os.path.join(self.results, name, "report.html"))
        self.assertTrue(os.path.exists(picture), "no picture")
        if os.environ.get("CHAOS_SCREENSHOTS"):
            shutil.copy(picture, os.environ["CHAOS_SCREENSHOTS"])
        return os.path.getsize(picture)

    @needs(*BROWSERS)
    def test_pictures_at_three_widths_in_both_themes(self):
        for name in ("run", "ab"):
            for width in WIDTHS:
                sizes = {theme: self.shoot(name, width, theme) for theme in THEMES}
                # An empty page of this size has some 5 kB; and the two themes differ.
                self.assertGreater(min(sizes.values()), 30000, (name, width))
                self.assertNotEqual(sizes["light"], sizes["dark"], (name, width))

    @needs(*BROWSERS)
    def test_nothing_overflows_at_any_width_in_any_theme(self):
        for name in ("run", "ab"):
            text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", self.page(name))
            at = self.write("measured.html", text.replace("</body>", MEASURE))
            for width in WIDTHS:
                told = self.browse("--window-size=%d,900" % width, "--dump-dom", url="file://" + at)
                seen = json.loads(re.search(r'data-measured="([^"]*)"', told.stdout).group(1)
                                  .replace("&quot;", '"').replace("&amp;", "&"))
                self.assertEqual([], seen["wide"], (name, width))
                self.assertLessEqual(seen["page"], seen["window"], (name, width))

    @needs(*BROWSERS)
    def test_it_can_be_printed(self):
        for name in ("run", "ab"):
            paper = self.path(name + ".pdf")
            self.browse("--print-to-pdf=" + paper, "--no-pdf-header-footer",
                        url="file://" + os.path.join(self.results, name, "report.html"))
            with open(paper, "rb") as f:
                bytes_ = f.read()
            self.assertTrue(bytes_.startswith(b"%PDF"))
            self.assertGreater(len(bytes_), 20000)
            self.assertLess(bytes_.count(b"/Type /Page\n") + bytes_.count(b"/Type/Page/"), 40)

    @needs(*BROWSERS)
    def test_no_request_leaves(self):
        log = self.path("net.json")
        self.browse("--log-net-log=" + log, "--screenshot=" + self.path("x.png"),
                    url="file://" + os.path.join(self.results, "run", "report.html"))
        with open(log, encoding="utf-8") as f:
            urls = set(re.findall(r'"url":"([^"]*)"', f.read()))
        # What a browser asks its maker is not of the page.
        outside = [url for url in urls if not url.startswith(("file:", "data:", "chrome", "about:"))
                   and not re.match(r"https?://([a-z0-9.-]*\.)?(google|googleapis|gstatic|gvt1)\.",
                                    url)]
        self.assertEqual([], outside)
        for name in ("run", "ab"):
            self.assertNotRegex(self.page(name), r'(?i)(src|href)="?(https?:)?//|<script|@import|url\(')

    def test_every_figure_is_one_of_result_json(self):
        for name in ("run", "ab"):
            with open(os.path.join(self.results, name, "result.json"), encoding="utf-8") as f:
                known = {float("%.11g" % number) for number in numbers_of(json.load(f))}
            figures = Page(self.page(name)).figures
            self.assertGreater(len(figures), 300, name)
            # Times between two instants of one row are differences of them.
            strange = [figure for figure in figures if float("%.11g" % figure) not in known]
            self.assertEqual([], strange, name)

    def test_headings_names_and_links_are_sound(self):
        for name in ("run", "ab"):
            page = Page(self.page(name))
            self.assertEqual("en", page.lang)
            self.assertEqual(1, page.headings.count(1))
            for above, below in zip(page.headings, page.headings[1:]):
                self.assertLessEqual(below, above + 1, page.headings)
            pictures = [label for role, label in page.roles if role == "img"]
            self.assertGreaterEqual(len(pictures), 8 if shutil.which("gnuplot") else 0)
            for label in pictures:
                self.assertGreater(len(label), 40, "a picture without words")
            for link in page.links:
                self.assertIn(link.lstrip("#"), page.ids)

    def test_contrast_is_enough_in_both_themes_and_on_paper(self):
        style = re.search(r"<style>(.*?)</style>", self.page("run"), re.S).group(1)
        themes = [dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block))
                  for block in re.findall(r":root \{(.*?)\}", style, re.S)]
        self.assertEqual(3, len(themes))
        for theme in themes:
            for text in ("ink", "soft", "good", "bad", "warn", "link"):
                for ground in ("paper", "raised"):
                    self.assertGreaterEqual(contrast(theme[text], theme[ground]), 4.5,
                                            (text, ground, theme))

    def test_a_comparison_shows_every_strategy(self):
        text = self.page("ab")
        for words in ("B is <b>none</b>", "C is <b>reactive</b>", "C against A"):
            self.assertIn(words, text)
        if shutil.which("gnuplot"):
            for plot in ("forest", "pairs"):
                self.assertIn('id="plot-%s"' % plot, text)

    def test_effectiveness_and_success_over_time_are_in_the_page_of_a_stored_result(self):
        """S4-19: both charts from a report file, offline."""
        out = self.path("again")
        self.assert_code(0, self.chaos("report", os.path.join(chaos.TESTS, "data", "report", "sample"),
                                       "--out", out, "--format", "html"))
        with open(os.path.join(out, "report.html"), encoding="utf-8") as f:
            text = f.read()
        for plot in ("trend", "effectiveness"):
            self.assertTrue(re.search(r'id="plot-%s".*?<svg' % plot, text, re.S), plot)
