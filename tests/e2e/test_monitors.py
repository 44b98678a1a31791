"""What the monitor shows: each load moves its own metric at once, on schedule; a region's loss moves its traffic."""
import collections
import json

import chaos

CALM, FAULT_AT, INTERVAL = "none", 120, 5
LEAVES = {  # service: what is done to it, and the metric that it moves
    "busy": ("cpu_pressure", {"load": "300%"}, "cpu"),
    "full": ("memory_pressure", {"size": "100MiB"}, "memory"),
    "written": ("disk_fill", {"rate": "20MiB/s"}, "disk"),
}
FAR_S = 0.2  # what is added to the way to the service `far`


def shop(calls, **more):
    return {"name": "shop", "instances": 2, "concurrency": 64, "queue": 256,
            "service_time": "5ms", "calls": calls, **more}


def leaf(name):
    return {"name": name, "instances": 1, "concurrency": 8, "queue": 64,
            "service_time": "5ms", "cpu": {"cores": 8, "share": 0.5},
            "memory": {"base": "100MiB", "limit": "400MiB"}, "disk": {"size": "1GiB", "used": "100MiB"}}


class Monitors(chaos.Case):
    def telemetry(self, scenario):
        """{(service, instance, edge, metric): [(t, value), ...]} of the treated arm, and the other entries."""
        self.write("small.json", scenario)
        told = self.chaos("small.json", "--out", "out", "--no-plots", "--quiet", "--format", "json,journal",
                          "--journal", "telemetry", cwd=self.folder)
        self.assertEqual("", told.err)
        seen, rest = collections.defaultdict(list), []
        with open(self.path("out", "journal.jsonl"), encoding="utf-8") as f:
            for entry in map(json.loads, f):
                if entry["arm"] != "treated":
                    continue
                if entry["type"] == "telemetry":
                    place = entry.get("service"), entry.get("instance"), entry.get("edge"), entry["metric"]
                    seen[place].append((entry["t"], entry["value"]))
                else:
                    rest.append(entry)
        return seen, rest

    def test_s1_03_s1_06_each_load_moves_its_own_metric_within_one_interval_and_samples_keep_their_schedule(self):
        services = [shop([{"to": name, "timeout": "2s"} for name in [*LEAVES, "far"]])]
        services += [leaf(name) for name in [*LEAVES, "far"]]
        method = [{"fault": fault, "target": {"service": name}, "at": "%ds" % FAULT_AT, "duration": "60s",
                   "arguments": arguments} for name, (fault, arguments, _) in LEAVES.items()]
        method.append({"fault": "latency", "target": {"from": "shop", "to": "far"}, "at": "%ds" % FAULT_AT,
                       "duration": "60s", "arguments": {"delay": "%gs" % FAR_S}})
        seen, _ = self.telemetry(chaos.small(
            fleet={"services": services, "telemetry": {"interval": "%ds" % INTERVAL, "delay": "1s"}}, healer=CALM,
            method=method, replications=1, warmup="1m", duration="4m"))

        def at(place, metric, t):
            values = [v for s, v in seen.items() if s[0] == place and s[3] == metric]
            if not values:
                values = [v for s, v in seen.items() if s[2] == place and s[3] == metric]
            return max(dict(one)[t] for one in values)

        before, after = FAULT_AT, FAULT_AT + INTERVAL
        for name, (_, _, own) in LEAVES.items():
            for metric in "cpu", "memory", "disk":
                moved = at(name, metric, after) - at(name, metric, before)
                if metric == own:
                    self.assertGreater(moved, 0.05, "%s of %s" % (metric, name))
                else:
                    self.assertLess(abs(moved), 0.02, "%s of %s" % (metric, name))
        # The way there is seen by who calls, to a bucket's breadth, and by nobody else.
        moved = at("shop->far", "latency_p50", after) - at("shop->far", "latency_p50", before)
        self.assertAlmostEqual(FAR_S, moved, delta=0.1 * FAR_S)
        self.assertLess(at("far", "latency_p50", after), 0.02)
        self.assertLess(at("shop->busy", "latency_p50", after) - at("shop->busy", "latency_p50", before), 0.1)
        for place, values in seen.items():  # each interval once, on the tick
            times = [t for t, _ in values if t > 0]
            self.assertEqual([INTERVAL * (i + 1) for i in range(len(times))], times, place)

    def regions(self, healer):
        method = [{"name": "east is gone", "fault": "zone_outage", "target": {"zone": "east"}, "at": "2m",
                   "duration": "2m"}]
        service = shop([], zones=["east", "west"], health_check={"period": "5s", "timeout": "1s"},
                       restart_time="5s", boot_time="10s", slo={"target": "99%", "latency": "400ms", "window": "10s"})
        service["instances"] = 4  # 0 and 2 are in the east
        fleet = {"zones": [{"name": "east"}, {"name": "west"}], "zone_latency": "30ms", "services": [service]}
        seen, rest = self.telemetry(chaos.small(fleet=fleet, healer=healer, method=method, replications=1,
                                                warmup="1m", duration="8m",
                                                load=[{"name": "people", "to": "shop", "process": "poisson",
                                                       "rate": "100/s", "timeout": "2s"}]))
        share = collections.Counter()
        for (_, instance, _, metric), values in seen.items():
            if metric == "throughput" and instance is not None:
                for t, value in values:
                    share[t, instance in (0, 2)] += value
        times = sorted({t for t, _ in share if t > 0})
        return [(t, share[t, True] / (share[t, True] + share[t, False])) for t in times], share, rest

    def test_s2_32_a_lost_region_gives_up_its_traffic_within_the_limit_and_has_it_back_once(self):
        east, share, rest = self.regions(CALM)
        limit_s = 3 * 5 + 5  # three health checks that fail, and an interval to see it
        self.assertTrue(all(0.4 < s < 0.6 for t, s in east if t <= 120))
        self.assertTrue(all(s == 0 for t, s in east if 125 <= t <= 245))
        # Until balancers notice, what goes east is lost; then the west has all of it.
        full = [t for t in range(125, 240, 5) if share[t, False] > 90]
        self.assertLessEqual(full[0], 120 + limit_s)
        self.assertGreater(sum(share[t, False] for t in range(145, 240, 5)) / 19, 95)
        self.assertTrue(all(0.4 < s < 0.6 for t, s in east if t >= 240 + limit_s))
        # Once away and once back: no instance came and went in between.
        crossings = sum((a > 0.2) != (b > 0.2) for (_, a), (_, b) in zip(east, east[1:]))
        self.assertEqual(2, crossings)
        self.assertEqual(4, sum(e["type"] == "instance_state" for e in rest))

    def test_s2_32_the_healer_makes_up_for_a_lost_region_elsewhere_and_does_not_flap(self):
        _, share, rest = self.regions("default")
        ended = [e for e in rest if e["type"] == "action_finished"]
        self.assertEqual(["replace_instance"] * 2, [e["action"] for e in ended])
        self.assertLess(max(e["t"] for e in ended), 120 + 120)  # while it is still gone
        self.assertEqual(1, sum(e["type"] == "incident_opened" for e in rest))
        self.assertTrue(all(share[t, False] > 80 for t in range(145, 475, 5)))


if __name__ == "__main__":
    import unittest
    unittest.main()
