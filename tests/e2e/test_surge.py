"""A surge that is seen coming: capacity is there before it, and what that costs is told."""
import chaos


def surge():
    """Ten times the load within twelve minutes; two instances can bear nine times."""
    scenario = chaos.small(
        title="more and more people", duration="15m", warmup="3m", method=[], replications=2,
        cooldown="30s", thresholds=["prediction_gain > 50%"],
        load=[{"name": "people", "to": "shop", "process": "poisson", "rate": "20/s", "timeout": "2s",
               "profile": {"shape": "ramp", "from": 1, "to": 10, "over": "12m"}}])
    shop, bank = scenario["fleet"]["services"]
    shop["service_time"] = {"dist": "lognormal", "p50": "40ms", "p99": "100ms"}
    shop["calls"] = []
    scenario["fleet"]["services"].remove(bank)
    return scenario


class Surge(chaos.Case):
    def test_s2_31_capacity_rises_before_the_surge_and_its_cost_and_the_missed_load_are_told(self):
        told = self.chaos(self.write("surge.json", surge()), "--no-plots", "--quiet",
                          "--out", self.path("out"))
        arms = self.result()["arms"]
        figures = {arm: {name: (arms[arm]["metrics"].get(name) or {}).get("value")
                         for name in ("failed_requests", "instance_seconds_added", "incidents")}
                   for arm in ("treated", "shadow", "untreated")}
        for run in range(2):
            onset = min(one["o"] for one in arms["untreated"]["incidents"] if one["run"] == run)
            scaled = [one for one in arms["treated"]["actions"]
                      if one["run"] == run and one["action"] == "scale_resources" and one["preventive"]]
            self.assertTrue(scaled, told)
            self.assertLess(scaled[0]["finished"], onset)
        self.assertGreater(figures["treated"]["instance_seconds_added"], 0)
        self.assertLess(figures["treated"]["failed_requests"],
                        0.5 * figures["untreated"]["failed_requests"], figures)
        self.assertLessEqual(figures["treated"]["incidents"], figures["shadow"]["incidents"], figures)
        self.assertIn("failed requests", told.out)
