"""--live: a run as it happens, on stderr, which changes nothing."""
import re
import subprocess

import chaos


def scenario():
    """Memory that runs out is foreseen, a slow edge is an incident and an episode."""
    scenario = chaos.small(replications=2, warmup="2m", duration="8m")
    for service in scenario["fleet"]["services"]:
        service["memory"] = {"base": "100MiB", "limit": "250MiB"}
    scenario["method"].append({"name": "leak", "fault": "memory_leak", "target": {"service": "shop", "instances": "one"},
                               "at": "4m", "arguments": {"rate": "0.5MiB/s"}})
    scenario["method"].append({"name": "all die", "fault": "crash", "target": {"service": "bank"}, "at": "475s"})
    return scenario


class Live(chaos.Case):
    def setUp(self):
        super().setUp()
        self.write("small.json", scenario())

    def watch(self, *more, out="out"):
        return self.chaos("small.json", "--out", out, "--no-plots", "--format", "json,journal,csv", *more,
                          cwd=self.folder)

    def frames(self, told):
        return told.err.split("live: small.json")[1:]

    def test_a_watched_run_gives_the_same_bytes(self):
        for strategy in "default", "none":
            self.watch("--quiet", "--strategy", strategy, out="plain")
            told = self.watch("--live", "--strategy", strategy, out="watched")
            self.assertGreaterEqual(len(self.frames(told)), 1)
            for name in "result.json", "journal.jsonl", "metrics.csv":
                with open(self.path("plain", name), "rb") as a, open(self.path("watched", name), "rb") as b:
                    self.assertEqual(a.read(), b.read(), "%s, %s" % (strategy, name))

    def test_it_shows_score_trend_prediction_and_incidents_of_each_service(self):
        told = self.watch("--live", "--live-speed", "300")  # eleven minutes in two seconds
        frames = self.frames(told)
        self.assertGreaterEqual(len(frames), 2)  # one a second, and one at the end
        times = [float(re.match(r"  t = (-?[\d.]+) s", f).group(1)) for f in frames]
        self.assertEqual(sorted(times), times)
        self.assertGreaterEqual(times[-1], 480)
        self.assertRegex(frames[-1], r"(?m)^ +[\d.]+ s  run_ended")
        self.assertRegex(frames[-1], r"(?m)^shop +\d+[=+-] +[\d.]+ % +[\d.]+ % +[\d.]+ % +[\d.]+ ms")
        everything = "".join(frames)
        self.assertRegex(everything, r"(?m)^bank .*INCIDENT \d+ s  1 episode$")
        self.assertRegex(everything, r"(?m)^shop .*predicted: memory_\w+ in \d+ s \(\d+ %\)$")
        self.assertRegex(everything, r"(?m)^ +4\d\d\.\d s  episode bank opened$")

    def test_on_a_terminal_one_screen_is_drawn_over(self):
        command = "%s small.json --out out --no-plots --format json --live" % chaos.program()
        done = subprocess.run(["script", "-qec", command, "/dev/null"], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, env=chaos.environment(TERM="xterm"), timeout=60)
        screen = done.stdout.decode("utf-8", "replace")
        self.assertEqual(1, screen.count("\033[2J"))
        self.assertIn("\033[K", screen)

    def test_a_speed_alone_is_refused(self):
        told = self.watch("--live-speed", "5")
        self.assert_code(2, told)
        self.assertIn("--live-speed: is for --live", told.err)


if __name__ == "__main__":
    import unittest
    unittest.main()
