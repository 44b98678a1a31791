"""Actions that a strategy names are carried out, and do what the platform's faults call for."""
import os
import sqlite3

import chaos

SYMPTOMS = ("high_latency", "cpu_spike", "execution_error", "memory_exhaustion", "agent_failed",
            "agent_down", "heartbeat_failed", "task_timeout", "resource_exhaustion",
            "deployment_failure", "configuration_error", "network_timeout", "dependency_failure",
            "cascade")


class Actions(chaos.Case):
    def run_with(self, scenario, name, recovery, *args):
        strategy = self.write(name + ".json", {"name": name, "extends": "reactive", "recovery": recovery})
        told = self.chaos(os.path.join(chaos.SCENARIOS, scenario), "--strategy", strategy, "--out",
                          self.path(name), "--quiet", "--no-plots", *args)
        self.assertIn(told.code, (0, 1, 6), told)
        return self.result(name)

    def bad_seconds(self, scenario, name, actions):
        result = self.run_with(scenario, name, {"verify": {"timeout": "20s"},
                                                "strategies": {symptom: actions for symptom in SYMPTOMS}})
        return [result["arms"][arm]["metrics"]["bad_seconds"]["value"] for arm in ("treated", "untreated")]

    def actions_of(self, result):
        return [action["action"] for action in result["arms"]["treated"]["actions"]]

    def test_a_repair_lasts_where_the_actor_that_undoes_it_was_stopped_first(self):
        undone, untreated = self.bad_seconds("fault-reapplying-actor.json", "repairs", ["rollback_config"])
        lasting, _ = self.bad_seconds("fault-reapplying-actor.json", "stops",
                                      ["stop_controller", "rollback_config"])
        self.assertGreater(undone, 0.9 * untreated)
        self.assertLess(lasting, 0.7 * untreated)

    def test_a_check_that_lies_can_be_switched_off(self):
        without, untreated = self.bad_seconds("fault-health-check-fault.json", "restarts",
                                              ["restart_instance"])
        switched_off, _ = self.bad_seconds("fault-health-check-fault.json", "switches-off",
                                           ["disable_health_check"])
        self.assertGreater(without, 0.9 * untreated)
        self.assertLess(switched_off, 0.4 * untreated)

    def test_a_bad_version_is_replaced_by_the_one_before(self):
        result = self.run_with("fault-bad-deployment.json", "default-ladder", {})
        self.assertIn("rollback_deployment", self.actions_of(result))
        metrics = [result["arms"][arm]["metrics"] for arm in ("treated", "untreated")]
        self.assertLess(metrics[0]["bad_seconds"]["value"], 0.7 * metrics[1]["bad_seconds"]["value"])

    def test_with_rollback_off_it_is_not_and_somebody_is_called(self):
        result = self.run_with("fault-bad-deployment.json", "no-rollback", {"rollback": False},
                               "--set", "duration=12m", "--set", "method[0].duration=10m")
        self.assertNotIn("rollback_deployment", self.actions_of(result))
        self.assertIn("escalate", self.actions_of(result))

    def test_what_people_wrote_down_is_tried_first_and_stands_in_the_database(self):
        rule = {"name": "sick", "when": "severity_gte=low", "do": "garbage_collect"}
        result = self.run_with("fault-gray-failure.json", "written", {"rules": [rule]}, "--runs", "1",
                               "--db", self.path("runs.db"))
        self.assertEqual("clean_memory", self.actions_of(result)[0])
        self.assertNotIn("clean_memory", self.actions_of(self.run_with(
            "fault-gray-failure.json", "ladder", {}, "--runs", "1")))
        file = sqlite3.connect(self.path("runs.db"))
        self.assertIn(("sick", "severity_gte=low", "garbage_collect"), file.execute(
            "select rule_name, condition, action from ai_healing_rules").fetchall())
        file.close()

    def test_a_procedure_is_gone_through_before_the_ladder(self):
        result = self.run_with("fault-cpu-pressure.json", "procedures", {"procedures": True}, "--runs", "1")
        self.assertIn("increase_resources", self.actions_of(result))
        self.assertNotIn("increase_resources", self.actions_of(self.run_with(
            "fault-cpu-pressure.json", "none", {}, "--runs", "1")))
