"""What `chaos-run report` writes is read by the programs that it is meant for.

Made from the stored sample in tests/data/report/sample, so nothing is simulated. A
checker that is not installed skips its test and says so.
"""
import csv
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import chaos

DATA = os.path.join(chaos.TESTS, "data", "report")
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
MEASURE = """<script>
  const wide = [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.right > innerWidth + 1 && !e.closest('.scroll, .plot') && box.width > 0
           && getComputedStyle(e).position !== 'absolute';
  }).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30));
  document.body.setAttribute('data-measured', JSON.stringify(
    {page: document.documentElement.scrollWidth, window: innerWidth, wide: wide.slice(0, 5)}));
</script></body>"""


class Exposition(http.server.BaseHTTPRequestHandler):
    """metrics.om as a service would show it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type",
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.text)

    def log_message(self, *_):
        pass


def needs(*programs):
    return unittest.skipUnless(any(shutil.which(p) for p in programs), "no " + " or ".join(programs))


class Formats(chaos.Case):
    def setUp(self):
        super().setUp()
        self.assert_code(0, self.chaos("report", os.path.join(DATA, "sample"), "--out",
                                       self.path("out"), "--format", "all", "--quiet"))

    def text(self, name):
        with open(self.path("out", name), encoding="utf-8") as f:
            return f.read()

    def checked(self, *command, **how):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, **how)
        self.assertEqual((0, ""), (done.returncode, done.stderr.replace(" validates\n", "")[-2000:]
                                   if done.returncode else ""), done.stdout)
        return done.stdout

    @needs("promtool")
    def test_promtool_finds_nothing_to_complain_of_in_metrics_prom(self):
        self.assertEqual("", self.checked("promtool", "check", "metrics",
                                          input=self.text("metrics.prom")))

    def test_the_strict_parser_reads_metrics_om(self):
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            self.skipTest("no python3-prometheus-client")
        families = list(parser.text_string_to_metric_families(self.text("metrics.om")))
        self.assertGreater(len(families), 20)
        seen = {sample.name: sample.value for family in families for sample in family.samples
                if sample.labels["arm"] == "treated" and not sample.labels["service"]}
        treated = self.result()["arms"]["treated"]["metrics"]
        self.assertEqual(treated["mttr"]["value"], seen["chaos_run_mttr_seconds"])
        self.assertEqual(treated["availability"]["low"], seen["chaos_run_availability_low_ratio"])

    def exported(self, out):
        """Types by family and counters by sample, as metrics.prom of a folder has them."""
        self.assert_code(0, self.chaos("report", self.path(out), "--format", "prom,om", "--quiet"))
        types, counters = {}, {}
        with open(self.path(out, "metrics.prom"), encoding="utf-8") as f:
            for line in f:
                if line.startswith("# TYPE "):
                    _, _, name, kind = line.split()
                    types[name] = kind
                elif not line.startswith("#") and types[line.split("{")[0]] == "counter":
                    sample, value = line.rsplit(" ", 1)
                    counters[sample] = float(value)
        return types, counters

    def test_s3_38_counters_only_grow_with_more_replications_and_names_are_the_promised(self):
        before = {}
        with open(os.path.join(DATA, "prometheus_names.txt"), encoding="utf-8") as f:
            promised = dict(line.split() for line in f)
        for runs in ("1", "2", "4", "6"):
            self.assert_code(0, self.run_small("runs" + runs, None, "--runs", runs))
            types, counters = self.exported("runs" + runs)
            for name, kind in types.items():
                self.assertEqual(promised.get(re.sub("_(low|high)(?=_|$)", "", name)), kind, name)
            self.assertGreater(len(counters), 20)
            for sample, value in before.items():
                self.assertGreaterEqual(counters[sample], value, sample)
            if before:
                self.assertGreater(sum(counters.values()), sum(before.values()))
            before = counters
            if shutil.which("promtool"):
                with open(self.path("runs" + runs, "metrics.prom"), encoding="utf-8") as f:
                    self.assertEqual("", self.checked("promtool", "check", "metrics", stdin=f))
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            return
        with open(self.path("runs6", "metrics.om"), encoding="utf-8") as f:
            strict = {sample.name: family.type
                      for family in parser.text_string_to_metric_families(f.read())
                      for sample in family.samples}
        self.assertEqual(types, strict)

    @needs("prometheus")
    def test_a_prometheus_scrapes_metrics_om_and_answers_with_our_numbers(self):
        """A real one, on loopback, for as long as it takes to see one scrape; ended by its id."""
        pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exposition)
        pages.text = self.text("metrics.om").encode()
        self.addCleanup(pages.server_close)
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        self.addCleanup(pages.shutdown)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.write("prometheus.yml", json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "chaos", "static_configs": [
                {"targets": ["127.0.0.1:%d" % pages.server_port]}]}]}))
        server = subprocess.Popen(
            ["prometheus", "--config.file=" + config, "--storage.tsdb.path=" + self.path("tsdb"),
             "--web.listen-address=127.0.0.1:%d" % port, "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait, 30)
        self.addCleanup(server.kill)
        treated = self.result()["arms"]["treated"]["metrics"]
        seen = None
        until = time.monotonic() + 60
        while seen is None and time.monotonic() < until and server.poll() is None:
            time.sleep(0.5)
            try:
                with urllib.request.urlopen(
                        "http://127.0.0.1:%d/api/v1/query?query=" % port + urllib.parse.quote(
                            'chaos_run_mttr_seconds{arm="treated",service=""}'), timeout=5) as told:
                    found = json.load(told)["data"]["result"]
                seen = float(found[0]["value"][1]) if found else None
            except OSError:
                pass
        self.assertEqual(treated["mttr"]["value"], seen)

    @needs("Rscript")
    def test_r_reads_the_tables_in_one_call(self):
        for name in ("metrics.csv", "incidents.csv", "series.csv"):
            told = self.checked("Rscript", "-e", "x <- read.csv('%s'); stopifnot(nrow(x) > 0); "
                                "cat(nrow(x), is.numeric(x[[ncol(x)]]))" % self.path("out", name))
            with open(self.path("out", name), encoding="utf-8", newline="") as f:
                self.assertEqual(str(len(list(csv.reader(f))) - 1), told.split()[0], name)

    @needs("xmllint")
    def test_junit_is_valid_in_the_strict_form(self):
        self.checked("xmllint", "--noout", "--schema", os.path.join(DATA, "junit.xsd"),
                     self.path("out", "junit.xml"))

    def test_junit_parsers_read_it(self):
        try:
            from junitparser import JUnitXml
        except ImportError:
            self.skipTest("no python3-junitparser")
        suites = list(JUnitXml.fromfile(self.path("out", "junit.xml")))
        self.assertEqual(1, len(suites))
        self.assertEqual(len(list(suites[0])), suites[0].tests)

    def test_the_dashboard_is_well_formed(self):
        board = json.loads(self.text("grafana.json"))
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            self.assertEqual("${datasource}", panel["datasource"]["uid"])
            self.assertRegex(panel["targets"][0]["expr"], r"^chaos_run_[a-z0-9_]+\{")

    @needs("gnuplot")
    def test_pictures_are_the_same_bytes_in_any_locale(self):
        for name in ("latency", "waterfall", "timeline"):
            before = self.text("plots/%s.svg" % name)
            for locale in ("C", "de_DE.UTF-8", "tr_TR.UTF-8"):
                env = dict(os.environ, LC_ALL=locale)
                subprocess.run(["gnuplot", name + ".gp"], cwd=self.path("out", "plots"), check=True,
                               env=env, timeout=60)
                self.assertEqual(before, self.text("plots/%s.svg" % name), (name, locale))

    def measure(self, width, *options):
        page = self.text("report.html")
        page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        at = self.write("measured.html", page.replace("</body>", MEASURE))
        browser = next(shutil.which(b) for b in BROWSERS if shutil.which(b))
        profile = tempfile.mkdtemp(dir=self.folder)
        told = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--user-data-dir=" + profile, "--window-size=%d,900" % width,
             "--dump-dom", *options, "file://" + at], capture_output=True, text=True, timeout=120)
        found = re.search(r'data-measured="([^"]*)"', told.stdout)
        self.assertTrue(found, told.stderr[-2000:])
        return json.loads(found.group(1).replace("&quot;", '"').replace("&amp;", "&"))

    @needs(*BROWSERS)
    def test_nothing_of_the_page_overflows_on_a_phone_a_tablet_and_a_desk(self):
        for width in (360, 800, 1280):
            seen = self.measure(width)
            self.assertEqual([], seen["wide"], width)
            self.assertLessEqual(seen["page"], seen["window"], width)
