"""A program as healer: it grades like the one inside, and what breaks it is told."""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import chaos

try:
    import jsonschema
except ImportError:
    jsonschema = None

EXAMPLE = os.path.join(chaos.ROOT, "healer", "examples", "exec_healer.py")
SCHEMA = os.path.join(chaos.ROOT, "harness", "run", "healer-protocol.schema.json")

# Keeps all that is said, and says nothing itself but when to wake.
LISTENER = """
import json, sys
out = open(sys.argv[1] + "-" + str(__import__("os").getpid()), "w")
hello = sys.stdin.readline()
out.write(hello)
for line in sys.stdin:
    out.write(line)
    print(json.dumps({"next_wake": json.loads(line)["t"] + 5}), flush=True)
"""


def fewer(result):
    """A result without what names the healer."""
    result = json.loads(json.dumps(result))
    del result["healer"], result["scenario"]["digest"], result["command"]
    return result


class ExecHealer(chaos.Case):
    def run_with(self, healer, out, *more, scenario="small.json", **kw):
        self.write("small.json", chaos.small(replications=2))
        return self.chaos(scenario, "--out", out, "--strategy", healer, "--no-plots", "--quiet",
                          "--format", "json,journal,csv", "--journal", "all", cwd=self.folder, **kw)

    def read(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def test_libhealer_through_the_pipe_gives_the_same_bytes_as_the_one_inside(self):
        method = chaos.SMALL["method"] + [{"fault": "zombie", "target": {"service": "bank", "instances": "one"},
                                           "at": "4m", "duration": "1m"}]
        self.write("busy.json", chaos.small(replications=2, method=method))
        for strategy in ("default", "aggressive"):
            self.assert_code(0, self.run_with(strategy, "inside-" + strategy, scenario="busy.json"))
            self.assert_code(0, self.run_with("exec:%s healer %s" % (chaos.program(), strategy),
                                              "piped-" + strategy, scenario="busy.json"))
            for name in ("journal.jsonl", "series.csv"):
                self.assertEqual(self.read("inside-" + strategy, name), self.read("piped-" + strategy, name))
            inside, piped = (json.loads(self.read(where + strategy, "result.json")) for where in ("inside-", "piped-"))
            self.assertEqual(fewer(inside), fewer(piped))
            self.assertGreater(inside["arms"]["treated"]["metrics"]["actions"]["value"], 0)

    def test_the_example_heals_an_instance_that_fails_its_work(self):
        scenario = chaos.small(method=[{"fault": "zombie", "target": {"service": "bank", "instances": "one"},
                                        "at": "1m", "duration": "2m"}])
        self.write("zombie.json", scenario)
        results = {}
        for name, healer in (("none", "none"), ("example", "exec:%s %s" % (sys.executable, EXAMPLE))):
            self.assert_code(0, self.run_with(healer, name, scenario="zombie.json"))
            results[name] = json.loads(self.read(name, "result.json"))
        failed = {name: result["arms"]["treated"]["metrics"]["failed_requests"]["value"]
                  for name, result in results.items()}
        self.assertLess(failed["example"], failed["none"] / 3)
        self.assertEqual(0, results["example"]["healer"]["failures"])

    @unittest.skipIf(jsonschema is None, "no python3-jsonschema")
    def test_all_that_is_said_is_valid_under_the_schema(self):
        with open(SCHEMA, encoding="utf-8") as f:
            check = jsonschema.Draft202012Validator(json.load(f))
        self.write("listener.py", LISTENER)
        self.assert_code(0, self.run_with("exec:%s listener.py said" % sys.executable, "out"))
        heard = [self.path(name) for name in os.listdir(self.folder) if name.startswith("said-")]
        self.assertGreaterEqual(len(heard), 4)  # arms and replications, one program each
        kinds, answers = set(), []
        for name in heard:
            with open(name, encoding="utf-8") as f:
                lines = f.read().splitlines()
            told = subprocess.run([chaos.program(), "healer", "default"], input="\n".join(lines) + "\n", text=True,
                                  capture_output=True, env=chaos.environment(), timeout=60, check=True)
            answers += told.stdout.splitlines()
            for line in lines:
                message = json.loads(line)
                check.validate(message)
                kinds |= set(message)
                kinds |= {event["event"] for event in message.get("events", [])}
        for line in answers:
            check.validate(json.loads(line))
            kinds |= set(json.loads(line))
        self.assertLessEqual({"hello", "telemetry", "process_exited", "alarms", "episodes", "diagnoses", "actions",
                              "policies"}, kinds)

    def test_a_healer_that_breaks_is_counted_told_and_ended(self):
        late = "import sys, time\nsys.stdin.readline(); sys.stdin.readline()\ntime.sleep(60)\n"
        self.write("late.py", late)
        self.write("talker.py", "import sys\nsys.stdin.readline(); sys.stdin.readline()\nprint('hello', flush=True)\n"
                                "sys.stdin.read()\n")
        self.write("unknown.py", "import sys\nsys.stdin.readline()\nfor l in sys.stdin:\n"
                                 " print('{\"next_wake\": 1, \"alarms\": [{\"service\": \"bnak\"}]}', flush=True)\n")
        for healer, reason in (("true", "it ended, or closed"),
                               ("/no/such/program", "there is no such program"),
                               (sys.executable + " talker.py", "answer:1:1"),
                               (sys.executable + " unknown.py", "no service named 'bnak' (nearest: 'bank')"),
                               (sys.executable + " late.py", "no answer within 5 s")):
            before = time.monotonic()
            told = self.run_with("exec:" + healer, "out")
            self.assert_code(1, told)
            result = json.loads(self.read("out", "result.json"))
            self.assertEqual(2, result["healer"]["failures"], healer)
            self.assertIn(reason, result["healer"]["first_failure"]["reason"])
            self.assertIn("The healer failed in 2 of 2 replications", told.out)
            self.assertLess(time.monotonic() - before, 40)
        listed = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(self.folder, listed)
        self.assertNotIn("late.py", listed)

    def test_a_program_that_a_scenario_names_is_started_in_its_folder(self):
        self.write("sub/own.py", "import sys\nsys.stdin.readline()\nfor l in sys.stdin:\n"
                                 " print('{\"next_wake\": null}', flush=True)\n")
        self.write("sub/own.json", chaos.small(healer={"exec": [sys.executable, "own.py"]}, replications=1))
        told = self.chaos("sub/own.json", "--out", "out", "--no-plots", "--quiet", cwd=self.folder)
        self.assert_code(0, told)
        self.assertEqual(0, json.loads(self.read("out", "result.json"))["healer"]["failures"])

    def test_protections_that_a_program_asks_for_are_carried_out(self):
        self.write("guard.py", "import sys\nsys.stdin.readline()\nfor l in sys.stdin:\n"
                               " print('{\"next_wake\": null, \"policies\": {\"shop->bank\": {\"circuit_breaker\":"
                               " {\"mode\": \"time_rate\", \"window\": \"10s\", \"slow_call\": \"1s\"}}}}' if l else '',"
                               " flush=True)\n sys.stdin.readline\n"
                               " for l in sys.stdin: print('{\"next_wake\": null}', flush=True)\n")
        self.assert_code(0, self.run_with("exec:%s guard.py" % sys.executable, "out"))
        journal = self.read("out", "journal.jsonl").decode()
        self.assertIn('"type":"breaker_opened"', journal)
        self.assertEqual(0, json.loads(self.read("out", "result.json"))["healer"]["failures"])

    def test_thinking_by_the_wall_clock_is_marked_as_not_repeatable(self):
        scenario = chaos.small(replications=1)
        scenario["fleet"]["operations"] = {"think": "wall"}
        self.write("wall.json", scenario)
        self.assert_code(0, self.run_with("default", "out", scenario="wall.json"))
        self.assertTrue(json.loads(self.read("out", "result.json"))["flags"]["not_repeatable"])

    def test_programs_can_be_compared(self):
        self.write("small.json", chaos.small(replications=2))
        # In a folder deep enough that its name does not fit on a line beside the other's.
        folder = self.path(*["a-folder-in-the-depth"] * 2)
        os.makedirs(folder)
        program = shutil.copy(EXAMPLE, folder)
        told = self.chaos("ab", "small.json", "--a", "none", "--b", "exec:%s %s" % (sys.executable, program),
                          "--runs", "3", "--no-plots", "--quiet", "--out", "ab", cwd=self.folder)
        self.assertIn(told.code, (0, 6, 7))
        self.assertIn("exec_healer.py", told.out)


if __name__ == "__main__":
    unittest.main()
