"""The same symptom and different cures: whoever guesses pays."""
import os

import chaos

# What healers call the symptoms of the pairs.
SYMPTOMS = ("high_latency", "cpu_spike", "execution_error", "memory_exhaustion", "memory_leak",
            "agent_failed", "agent_down", "heartbeat_failed", "task_timeout", "resource_exhaustion",
            "deployment_failure", "configuration_error", "network_timeout", "dependency_failure")


class Lookalikes(chaos.Case):
    def bad_seconds(self, name, action):
        """With a healer that knows one action and does not try again, which would hide half of
        the errors from users: (with it, without healing)."""
        strategy = self.write(action + ".json", {
            "name": action, "extends": "reactive", "retry": {"default": {"max": 0}},
            "recovery": {"strategies": {symptom: [action] for symptom in SYMPTOMS}}})
        told = self.chaos(os.path.join(chaos.SCENARIOS, "lookalike-%s.json" % name), "--strategy", strategy,
                          "--out", self.path(name + action), "--quiet", "--no-plots")
        self.assertIn(told.code, (0, 1, 6), told)  # 1: the wrong cure reaches no threshold
        arms = self.result(name + action)["arms"]
        return [arms[arm]["metrics"]["bad_seconds"]["value"] for arm in ("treated", "untreated")]

    def assert_cures(self, name, action):
        treated, untreated = self.bad_seconds(name, action)
        self.assertGreater(untreated, 5, name)
        self.assertLess(treated, 0.6 * untreated, "%s does not cure %s" % (action, name))

    def assert_does_not_cure(self, name, action):
        treated, untreated = self.bad_seconds(name, action)
        self.assertGreater(treated, 0.8 * untreated, "%s cures %s" % (action, name))

    def test_a_slow_process_is_cured_by_a_restart_and_a_slow_host_by_a_replacement(self):
        self.assert_cures("slow-process", "restart_instance")
        self.assert_does_not_cure("slow-host", "restart_instance")
        self.assert_cures("slow-host", "replace_instance")

    def test_a_slow_way_is_cured_by_neither(self):
        self.assert_does_not_cure("slow-edge", "restart_instance")
        self.assert_does_not_cure("slow-edge", "replace_instance")

    def test_errors_of_a_configuration_go_with_it_and_those_of_a_dependency_do_not(self):
        self.assert_cures("errors-from-a-configuration", "rollback_config")
        self.assert_does_not_cure("errors-from-a-configuration", "restart_instance")
        self.assert_does_not_cure("errors-from-a-dependency", "rollback_config")

    def actions_of(self, name, action):
        self.bad_seconds(name, action)
        return self.result(name + action)["arms"]["treated"]["metrics"]["actions"]["value"]

    def test_a_leak_of_a_version_comes_back_after_restarts_and_ends_with_a_rollback(self):
        """In seven minutes a restarted process is full again three times."""
        self.assertGreater(self.actions_of("leak-of-a-version", "restart_instance"), 5)
        self.assertLess(self.actions_of("leak-of-a-version", "rollback_deployment"), 3)
