"""Root causes: of one injected fault at a time, on seeds that nothing was tuned on.

The places, the faults and the count are those of tests/bench/diagnosis.py, which does it
for every kind on three call graphs; here are some kinds of each sort, each on one of them.
"""
import importlib.util
import os

import chaos

SEED = 8801001  # above those of development, and not the benchmark's
PLACES = [("latency", "boutique"), ("connection_reset", "bookshop"), ("partition", "boutique"),
          ("error", "parcels"), ("cpu_pressure", "boutique"), ("io_delay", "bookshop"),
          ("oom_kill", "boutique"), ("hang", "parcels"), ("connection_pool_exhaustion", "bookshop"),
          ("bad_deployment", "boutique"), ("bad_configuration", "parcels"),
          ("gray_failure", "bookshop")]


def bench():
    spec = importlib.util.spec_from_file_location(
        "bench_diagnosis", os.path.join(chaos.TESTS, "bench", "diagnosis.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Diagnosis(chaos.Case):
    def test_s1_12_the_true_cause_is_first_in_80_percent_and_among_three_in_95(self):
        method = bench()
        told = {}
        for kind, fleet in PLACES:
            path = self.write("%s-%s.json" % (kind, fleet), method.scenario(kind, fleet))
            result = method.run(chaos.program(), path, 1, SEED, path[:-len(".json")])
            self.assertIsNotNone(result, kind)
            told[kind] = method.counts(result)
        for kind, found in told.items():  # a fault that was not diagnosed is no right answer
            self.assertGreaterEqual(found["top1"][1], 1, "%s: nothing was diagnosed" % kind)
        total = {}
        for found in told.values():
            total = method.add(total, found)
        (first, episodes), (among_three, _) = total["top1"], total["top3"]
        self.assertGreaterEqual(episodes, len(PLACES))
        self.assertGreaterEqual(first, 0.80 * episodes, told)
        self.assertGreaterEqual(among_three, 0.95 * episodes, told)
