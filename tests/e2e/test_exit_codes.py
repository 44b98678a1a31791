"""Each outcome has its exit code, and result.json says the same."""
import chaos

# A breaker that takes every call for a slow one, where there is no fallback: it
# does more harm than any fault.
HARMFUL = {"name": "harmful", "extends": "default",
           "circuit_breaker": {"default": {
               "mode": "time_rate", "window": "10s", "min_calls": 1, "failure_rate": "1%",
               "slow_call": "1us", "slow_call_rate": "1%", "fast_failure": "0s", "open_for": "60s",
               "half_open_max_calls": 1, "success_threshold": 1,
               "backoff": {"multiplier": 1, "max": "60s", "jitter": 0}}}}


class ExitCodes(chaos.Case):
    def assert_outcome(self, code, outcome, scenario, *args):
        told = self.run_small("out", scenario, *args)
        self.assert_code(code, told)
        result = self.result()
        self.assertEqual((outcome, code), (result["outcome"], result["exit_code"]))
        return told, result

    def test_0_when_thresholds_hold_and_faults_took_effect(self):
        told, result = self.assert_outcome(0, "passed", None)
        self.assertTrue(all(fault["effective"] for fault in result["faults"]))
        self.assertEqual(["passed"], [t["outcome"] for t in result["thresholds"]])
        self.assertIn("passed", told.out.lower())

    def test_1_when_a_threshold_does_not_hold(self):
        told, result = self.assert_outcome(
            1, "failed", chaos.small(thresholds=["availability >= 10%", "failed_requests < 1"]))
        self.assertEqual(["passed", "failed"], [t["outcome"] for t in result["thresholds"]])
        self.assertGreaterEqual(result["thresholds"][1]["observed"], 1)
        self.assertIn("failed_requests < 1", told.out)

    def test_1_when_a_threshold_has_no_data(self):
        """Nothing is wrong in a world without faults, so there is no mean time to recovery."""
        calm = chaos.small(method=[], thresholds=["mttr < 60s"])
        self.assert_outcome(1, "failed", calm)
        calm["thresholds"] = [{"check": "mttr < 60s", "on_no_data": "pass"}]
        self.assert_outcome(0, "passed", calm)

    def test_1_when_the_steady_state_does_not_hold_again_at_the_end(self):
        told, _ = self.assert_outcome(1, "failed", chaos.small(
            healer="none", cooldown="0s",
            method=[{"name": "bank gone", "fault": "error", "target": {"service": "bank"},
                     "at": "3m", "arguments": {"rate": 1}}],
            steady_state={"title": "it answers", "probes": [
                {"name": "available", "metric": "availability", "service": "shop",
                 "window": "1m", "tolerance": ">= 90%"}]}))
        self.assertIn("available", told.out)

    def test_2_when_nothing_can_be_run(self):
        self.assert_code(2, self.chaos(self.write("bad.json", {"version": 1})))

    def test_3_when_the_steady_state_does_not_hold_before(self):
        told, result = self.assert_outcome(3, "gate_failed", chaos.small(steady_state={
            "title": "impossibly quick", "probes": [
                {"name": "quick", "metric": "latency_p99", "service": "shop",
                 "window": "1m", "tolerance": "< 1us"}]}))
        self.assertIn("quick", told.out)

    def test_3_when_the_world_is_bad_without_any_fault(self):
        overloaded = chaos.small(thresholds=[])
        overloaded["load"][0]["rate"] = "2000/s"
        overloaded["duration"] = "3m"
        overloaded["method"] = overloaded["method"][:1]
        overloaded["replications"] = 1
        self.assert_outcome(3, "gate_failed", overloaded)

    def test_4_when_a_fault_touched_nothing(self):
        idle = chaos.small()
        idle["fleet"]["services"][0]["calls"].append({"to": "attic", "probability": 0})
        idle["fleet"]["services"].append({"name": "attic", "service_time": "1ms"})
        idle["method"].append({"name": "slow attic", "fault": "latency", "at": "1m", "duration": "1m",
                               "target": {"from": "shop", "to": "attic"},
                               "arguments": {"delay": "1s"}})
        told, result = self.assert_outcome(4, "not_effective", idle)
        self.assertEqual({"slow bank": True, "bank dies": True, "slow attic": False},
                         {fault["name"]: fault["effective"] for fault in result["faults"]})
        self.assertIn("slow attic", told.out)

    def test_6_when_the_healer_does_more_harm_than_good(self):
        self.write("harmful.json", HARMFUL)
        scenario = chaos.small(thresholds=[], replications=8)
        del scenario["fleet"]["services"][0]["calls"][0]["fallback"]
        _, result = self.assert_outcome(6, "regression", scenario, "--strategy",
                                        self.path("harmful.json"))
        arms = result["arms"]
        self.assertGreater(arms["treated"]["metrics"]["failed_requests"]["value"],
                           arms["untreated"]["metrics"]["failed_requests"]["value"])

    def test_70_when_a_queue_without_bound_is_overloaded(self):
        """It is capped before it eats the machine, and the report says what to do."""
        endless = chaos.small(thresholds=[], warmup="1s", replications=1)
        shop = endless["fleet"]["services"][0]
        shop.update(queue="unbounded", calls=[], service_time="1h")
        endless["load"][0].update(rate="200000/s")
        del endless["load"][0]["timeout"]
        endless["fleet"]["services"] = [shop]
        endless["method"] = []
        self.write("endless.json", endless)
        told = self.chaos(self.path("endless.json"), "--out", self.path("out"), "--no-plots", "--quiet",
                          "--strategy", "none", "--jobs", "1")
        self.assert_code(70, told)
        said = " ".join((told.out + told.err).split())
        self.assertIn("more than 2 million requests in flight", said)
        self.assertIn("give the service a `queue`", said)
        self.assertIn("is offered 200000 requests a second", told.err)

    def test_the_worst_wins(self):
        """Gate before threshold; of several scenarios the worst, and all of them run."""
        gate = {"title": "impossibly quick", "probes": [
            {"name": "quick", "metric": "latency_p99", "service": "shop", "window": "1m",
             "tolerance": "< 1us"}]}
        self.assert_outcome(3, "gate_failed", chaos.small(
            steady_state=gate, thresholds=["failed_requests < 1"]))
        self.write("many/a.json", chaos.small(thresholds=["failed_requests < 1"]))
        self.write("many/b.json", chaos.small(steady_state=gate))
        self.write("many/c.json", chaos.small())
        told = self.chaos(self.path("many"), "--out", self.path("several"), "--no-plots", "--quiet")
        self.assert_code(3, told)
        for stem, code in (("a", 1), ("b", 3), ("c", 0)):
            self.assertEqual(code, self.result("several/" + stem)["exit_code"])

    def test_an_invalid_scenario_does_not_keep_others_from_running(self):
        self.write("many/a.json", b"{}")
        self.write("many/b.json", chaos.small())
        self.write("many/scenario.schema.json", b"{}")
        told = self.chaos(self.path("many"), "--out", self.path("several"), "--no-plots", "--quiet")
        self.assert_code(2, told)
        self.assertIn("a.json:1:1", told.err)
        self.assertNotIn("schema.json:", told.err)
        self.assertEqual(0, self.result("several/b")["exit_code"])
