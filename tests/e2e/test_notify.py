"""`--notify`: a strategy's channels are told, by a real server on loopback."""
import http.server
import json
import threading

import chaos


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, self.headers.get("Authorization"), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args):
        pass


class Notify(chaos.Case):
    def setUp(self):
        super().setUp()
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        self.server.told, self.server.answers = [], []
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def scenario(self, **more):
        """A sick bank, and nobody who approves of mending it: a human is called."""
        url = "http://127.0.0.1:%d" % self.server.server_address[1]
        channels = [{"name": "chat", "kind": "chat", "url": url + "/chat/s3cret"},
                    {"name": "pager", "kind": "pager", "url": "env:PAGER_URL", "token": "env:PAGER_TOKEN"}]
        healer = {"extends": "default", "escalation": {"channels": channels},
                  "recovery": {"approval": {"required_above": "low", "expiry": "20s"}}}
        self.env = {"PAGER_URL": url + "/pager", "PAGER_TOKEN": "t0ken"}
        return chaos.small(healer=healer, replications=1, method=[
            {"name": "sick bank", "fault": "zombie", "target": {"service": "bank", "instances": "one"},
             "at": "1m", "duration": "3m"}], **more)

    def test_channels_are_told_once_an_incident_and_the_same_each_time(self):
        told = self.run_small("a", self.scenario(), "--notify", env=self.env)
        self.assert_code(0, told)
        first = list(self.server.told)
        incidents = len(first) // 2
        self.assertGreater(incidents, 0)
        self.assertIn("--notify: small.json: %d of %d messages delivered" % (len(first), len(first)), told.err)
        self.assertEqual([("/chat/s3cret", None)] * incidents + [("/pager", "Bearer t0ken")] * incidents,
                         sorted((path, token) for path, token, _ in first))
        keys = [body["dedup_key"] for path, _, body in first if path == "/pager"]
        self.assertEqual(incidents, len(set(keys)))  # each once
        with open(self.path("a", "journal.jsonl"), encoding="utf-8") as f:
            asked = [line for line in map(json.loads, f) if line["type"] == "escalation" and
                     line["arm"] == "treated" and line["text"] == "healer"]
        self.assertEqual(len(asked), incidents)
        words = next(body["text"] for path, _, body in first if path.startswith("/chat"))
        self.assertRegex(words, r"^\[\w+\] \w+: \w+: .*\(incident \d+\)$")
        # what was tried, what else is open and what the decision tree advises: told alike everywhere
        context = asked[0]["context"]
        self.assertRegex(context, r"(nothing was tried|tried: \w+).*; advice to (act|prepare|investigate): \w+")
        self.assertIn(context, words)
        story = self.chaos("explain", self.path("a"), "--incident", "1")
        self.assert_code(0, story)
        self.assertIn("told: " + context, " ".join(story.out.split()))
        for secret in ("s3cret", "t0ken"):
            self.assertNotIn(secret, told.err + told.out)
            for name in self.files_below(self.path("a")):
                with open(self.path("a", name), "rb") as f:
                    self.assertNotIn(secret.encode(), f.read(), name)
        self.server.told.clear()
        self.assert_code(0, self.run_small("b", None, "--notify", env=self.env))
        self.assertEqual(first, self.server.told)
        self.assert_same_files("a", "b")
        self.server.told.clear()
        self.assert_code(0, self.run_small("c"))  # nobody asked
        self.assertEqual([], self.server.told)
        self.assert_same_files("a", "c")

    def test_a_message_that_is_refused_costs_74_and_a_busy_server_a_second_try(self):
        self.server.answers = [503]
        told = self.run_small("a", self.scenario(), "--notify", env=self.env)
        self.assert_code(0, told)
        messages = len(self.server.told) - 1
        self.assertEqual(0, messages % 2)
        self.server.answers = [401] * messages
        told = self.run_small("b", None, "--notify", env=self.env)
        self.assert_code(74, told)
        self.assertIn("--notify: channel chat: given up after 1 try: HTTP 401", told.err)
        self.assertIn("0 of %d messages delivered" % messages, told.err)
        self.assert_same_files("a", "b")

    def test_a_variable_that_is_not_there_is_said_before_anything_runs(self):
        told = self.run_small("a", self.scenario(), "--notify", env={"PAGER_URL": "http://127.0.0.1/"})
        self.assert_code(2, told)
        self.assertIn("--notify: channel pager: no variable PAGER_TOKEN", told.err)
        self.assertEqual([], self.server.told)
