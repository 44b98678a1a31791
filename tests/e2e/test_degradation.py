"""Levels of degradation of a strategy act on the fleet: what is let in, left out, and what it costs."""
import json
import os

import chaos

SCENARIO = os.path.join(chaos.SCENARIOS, "degradation.json")


class Degradation(chaos.Case):
    def run_it(self, name, *args):
        told = self.chaos(SCENARIO, "--out", self.path(name), "--quiet", "--no-plots", "--runs", "2", *args)
        self.assertIn(told.code, (0, 1, 6), told)
        return self.result(name)

    def metric(self, result, name, arm="treated"):
        return result["arms"][arm]["metrics"][name]["value"]

    def test_a_shop_that_leaves_things_out_serves_whom_it_would_have_lost(self):
        result = self.run_it("levels")
        self.assertEqual("passed", result["outcome"])
        self.assertLess(self.metric(result, "failed_requests"),
                        0.2 * self.metric(result, "failed_requests", "untreated"))
        self.assertLess(self.metric(result, "quality"), 0.95) # at a price
        self.assertEqual(1, self.metric(result, "quality", "untreated"))
        self.assertGreater(self.metric(result, "degradation_time_level1"), 60)

    def test_without_its_features_the_same_levels_cost_as_much_as_full_service(self):
        """The level's other limits alone do not carry the load: cost follows the features."""
        kept = self.run_it("kept", "--set", "healer.degradation.features=" +
                           json.dumps([{"name": name} for name in ("recommendations", "previews", "search")]))
        self.assertGreater(self.metric(kept, "failed_requests"),
                           3 * self.metric(self.run_it("levels"), "failed_requests"))

    def test_libhealer_through_the_pipe_sets_the_same_levels(self):
        with open(SCENARIO, encoding="utf-8") as f:
            strategy = self.write("strategy.json", json.load(f)["healer"])
        self.run_it("inside", "--strategy", strategy)
        self.run_it("outside", "--strategy", "exec:%s healer %s" % (chaos.program(), strategy))
        said = []
        for out in ("inside", "outside"):
            with open(self.path(out, "journal.jsonl"), encoding="utf-8") as f:
                said.append(f.read())
        self.assertEqual(*said)
