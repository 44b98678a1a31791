"""`chaos-run train`: what a healer learns on some worlds, and what it is worth on others."""
import json

import chaos


def leaking(service, rate, **changes):
    """A world whose failures announce themselves: one instance loses memory until it is killed."""
    scenario = chaos.small(
        title="a leak of %s at %s" % (service, rate), duration="12m", warmup="2m",
        method=[{"name": "leak", "fault": "memory_leak", "at": "1m", "duration": "10m",
                 "target": {"service": service, "instances": "one"}, "arguments": {"rate": rate}}],
        **changes)
    for one in scenario["fleet"]["services"]:
        one["memory"] = {"base": "100MiB", "limit": "256MiB"}
    return scenario


LEARNED = {"name": "learned", "extends": "default", "prediction": {"rule": "learned"},
           "initial_state": "state.json"}


class Training(chaos.Case):
    def train(self, *args, out="state.json", **how):
        path = self.write("lesson.json", leaking("bank", "1MiB/s"))
        return self.chaos("train", path, "--runs", "2", "--out", self.path(out), *args, **how)

    def test_what_was_learned_is_a_state_that_comes_out_the_same(self):
        told = self.train()
        self.assert_code(0, told)
        self.assertRegex(told.out, r"situations [1-9]\d*, before a failure [1-9]")
        self.assert_code(0, self.train(out="again.json"))
        with open(self.path("state.json"), "rb") as one, open(self.path("again.json"), "rb") as two:
            text = one.read()
            self.assertEqual(text, two.read())
        state = json.loads(text)
        self.assertEqual(1, state["learned_state"])
        self.assertGreater(len(state["model"]["stumps"]), 0)
        self.assertGreater(state["model"]["failures"], 0)

    def test_other_seeds_teach_something_else(self):
        self.assert_code(0, self.train("--seed", "1"))
        self.assert_code(0, self.train("--seed", "2", out="again.json"))
        with open(self.path("state.json"), "rb") as one, open(self.path("again.json"), "rb") as two:
            self.assertNotEqual(one.read(), two.read())

    def test_one_that_does_not_learn_cannot_be_trained(self):
        frozen = self.write("frozen.json", {"name": "frozen", "extends": "default",
                                            "learning": {"enabled": False}})
        told = self.train("--strategy", frozen)
        self.assert_code(2, told)
        self.assertIn("learning.enabled is false", told.err)
        self.assert_code(2, self.train("--strategy", "none"))
        self.assert_code(2, self.chaos("train", "--out", self.path("state.json")))

    def test_s0_36_the_learned_rule_is_compared_where_it_was_not_trained_and_the_report_says_how(self):
        """Another service, another rate, other seeds; it is called better only where it is."""
        self.assert_code(0, self.train())
        path = self.write("exam.json", leaking("shop", "2MiB/s"))
        learned = self.write("learned.json", LEARNED)
        told = self.chaos("ab", path, "--a", "default", "--b", learned, "--runs", "4", "--seed", "4711",
                          "--no-plots", "--quiet", "--out", self.path("out"))
        self.assertIn(told.code, (0, 1, 6, 7), told)
        ab = self.result()["ab"]
        rows = {row["metric"]: row for row in ab["metrics"]}
        for name in ("lead_time", "precision", "recall", "prevention_rate", "false_positive_rate",
                     "false_actions_per_week"):
            self.assertIn(rows[name]["verdict"], ("B better", "B worse", "no difference", "identical",
                                                  "equivalent", "inconclusive"), name)
        self.assertIn(ab["verdict"], told.out)
        self.assertEqual(ab["verdict"] == "B better", "B better" in told.out.splitlines()[1], told.out)
