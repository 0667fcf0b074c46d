"""The checker's own test: a report that fits passes, and every single change to it is noticed."""

import copy
import unittest

import case_runner
import expectation
import matching
from test_expectation import HAZARD

NOTHING = expectation.parse("/* Safe.\n *\n * expect: nothing\n * exit: 0\n */")


OTHER = "fedcba9876543210"


def frame(function, module="/opt/program"):
    return {"pc": "0x401136", "module": module, "build_id": "ab", "offset": "0x1136", "function": function,
            "file": "program.c", "line": 7, "inlined": False}


def fitting_report():
    return {
        "notices": [{"kind": "unrecorded", "text": "t", "count": 1}], "warnings": [],
        "schema": "afterfork/report/1", "tool": {"name": "afterfork", "version": "1"},
        "exit": {"code": 0, "signal": 0},
        "summary": {"certain": 1, "likely": 0, "possible": 0, "note": 0, "dropped_records": 0, "damaged_records": 0,
                    "suppressed": 0},
        "findings": [{
            "fingerprint": "0123456789abcdef", "verdict": "certain", "rule": "lock-held-by-vanished-thread", "count": 2,
            "message": "m", "advice": "a", "pending": 1,
            "lock": {"address": "0x4040", "kind": "mutex", "type": "normal", "name": "cache_mutex"},
            "holder": {"tid": 5, "name": "filler", "acquired_at": [frame("cache_fill"), frame("worker"),
                       frame("start_thread", "/lib/x86_64-linux-gnu/libc.so.6")]},
            "fork": {"pid": 4, "tid": 4, "call": "fork", "stack": [frame("main")]},
            "victim": {"pid": 6, "tid": 6, "call": "pthread_mutex_lock",
                       "stack": [frame("cache_get"), frame("main")]},
        }],
    }


def change(report, path, value):
    """The report with the value at path ("findings.0.count") replaced, or removed where value is None."""
    ret = copy.deepcopy(report)
    at = ret
    *folders, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in folders:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return ret


class Matching(unittest.TestCase):
    wanted = expectation.parse(HAZARD)

    def judged(self, report, exit_code=66, wanted=None):
        return case_runner.judge(wanted or self.wanted, exit_code, report, "")

    def test_a_fitting_report_passes(self):
        self.assertEqual(self.judged(fitting_report()), [])

    def test_each_wrong_value_is_noticed(self):
        for path, value in (
                ("schema", "afterfork/report/2"), ("exit.code", 99), ("summary.certain", 2),
                ("summary.dropped_records", 1), ("findings.0.verdict", "likely"),
                ("findings.0.rule", "stale-lock-met"), ("findings.0.count", 1),
                ("findings.0.lock.kind", "rwlock"), ("findings.0.lock.type", "recursive"),
                ("findings.0.lock.name", "other_mutex"), ("findings.0.lock.name", None),
                ("findings.0.holder.name", "worker"), ("findings.0.holder.start_routine", "worker"),
                ("findings.0.holder.acquired_at", [frame("worker")]),
                ("findings.0.holder.acquired_at", [frame("cache_fill")]),
                ("findings.0.holder.acquired_at", [frame("cache_fill"), frame("x"), frame("worker")]),
                ("findings.0.holder.acquired_at", []),
                ("findings.0.fork.call", "_Fork"), ("findings.0.fork.stack", [frame("worker")]),
                ("findings.0.victim.call", "pthread_mutex_trylock"),
                ("findings.0.victim.stack", [frame("main")]),
                ("findings.0.victim.stack", [frame("hook", "/x/libafterfork.so"), frame("cache_get")]),
                ("findings.0.fingerprint", ""), ("findings.0.victim.stack.0.pc", "401136"),
                ("findings.0.holder", None), ("notices", [{"kind": "exec-static"}])):
            with self.subTest(path=path, value=value):
                self.assertNotEqual(self.judged(change(fitting_report(), path, value)), [])

    def test_a_wrong_exit_code_is_noticed(self):
        self.assertEqual(self.judged(fitting_report(), exit_code=0), ["exit: wanted 66, found 0"])

    def test_a_missing_finding_is_noticed(self):
        report = change(change(fitting_report(), "findings", []), "summary.certain", 0)
        self.assertTrue(self.judged(report)[0].startswith("missing: certain lock-held-by-vanished-thread"))

    def test_a_finding_too_many_is_noticed(self):
        report = fitting_report()
        report["findings"].append(dict(copy.deepcopy(report["findings"][0]), fingerprint=OTHER))
        report["summary"]["certain"] = 2
        self.assertTrue(any(line.startswith("not expected") for line in self.judged(report)))

    def test_any_finding_of_a_safe_case_is_noticed(self):
        report = change(fitting_report(), "notices", [])
        lines = self.judged(report, exit_code=0, wanted=NOTHING)
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith("not expected: certain"))

    def test_a_notice_is_told_by_its_kind_and_its_words(self):
        wanted = copy.deepcopy(self.wanted)
        wanted.notices = ["unrecorded no room"]
        self.assertEqual(self.judged(change(fitting_report(), "notices.0.text", "no room for it"), wanted=wanted), [])
        self.assertEqual(self.judged(fitting_report(), wanted=wanted), ["notice unrecorded: without 'no room'"])
        wanted.notices = ["unrecorded", "exec-static"]
        self.assertTrue(self.judged(fitting_report(), wanted=wanted)[0].startswith("notices: wanted"))

    def test_findings_pair_up_in_any_order(self):
        second = HAZARD.replace("cache_mutex", "other_mutex")
        wanted = copy.deepcopy(self.wanted)
        wanted.findings.insert(0, expectation.parse(second).findings[0])
        report = fitting_report()
        report["findings"].append(copy.deepcopy(report["findings"][0]))
        report["findings"][1]["lock"]["name"] = "other_mutex"
        report["findings"][1]["fingerprint"] = OTHER
        report["summary"]["certain"] = 2
        self.assertEqual(self.judged(report, wanted=wanted), [])

    def test_frames_of_the_language_runtime_are_passed_over(self):
        stack = [frame("__gthread_mutex_lock(pthread_mutex_t*)"), frame("std::mutex::lock()"),
                 frame("std::lock_guard<std::mutex>::lock_guard(std::mutex&)"), frame("Cache::fill()"),
                 frame("std::thread::_State_impl<void (*)()>::_M_run()", "/lib/libstdc++.so.6"),
                 frame("worker(void*)")]
        self.assertIsNone(matching.stack_difference("Cache::fill<worker", stack))
        self.assertEqual(matching.stack_difference("Cache::get", stack), "Cache::fill < worker")

    def test_a_chain_can_repeat_a_frame(self):
        stack = [frame("descend")] * 3 + [frame("worker")]
        self.assertIsNone(matching.stack_difference("descend*3<worker", stack))
        self.assertIsNotNone(matching.stack_difference("descend*2<worker", stack))

    def test_names_are_compared_without_parameters(self):
        self.assertEqual(matching.bare("shop::Registry::add(std::vector<int> const&)"), "shop::Registry::add")
        self.assertEqual(matching.bare("void Box<int>::put<char>(char)"), "Box::put")
        self.assertEqual(matching.bare("(anonymous namespace)::Log::~Log()"), "Log::~Log")
        self.assertEqual(matching.bare("worker.part.0"), "worker")


if __name__ == "__main__":
    unittest.main()
