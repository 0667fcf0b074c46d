"""The head comments' language: what is read, and what is refused with a reason."""

import unittest
from pathlib import Path

import expectation

HAZARD = """/* Why it hangs.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker name=filler start_routine=-
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=cache_get
 *   count: 2
 * args: one 'two three'
 * env: WORD=a
 * options: --fail-on likely
 * notice: unrecorded
 * needs: root
 * needs: glibc < 2.41
 * exit: 66
 * native: hangs
 */
int main(void);
"""


class Expectation(unittest.TestCase):
    def test_every_line_of_a_hazard_is_read(self):
        got = expectation.parse(HAZARD)
        self.assertEqual(len(got.findings), 1)
        finding = got.findings[0]
        self.assertEqual((finding.verdict, finding.rule), ("certain", "lock-held-by-vanished-thread"))
        self.assertEqual(finding.parts["lock"], {"kind": "mutex", "type": "normal", "name": "cache_mutex"})
        self.assertEqual(finding.parts["holder"],
                         {"acquired_at": "cache_fill<worker", "name": "filler", "start_routine": "-"})
        self.assertEqual(finding.parts["victim"], {"call": "pthread_mutex_lock", "function": "cache_get"})
        self.assertEqual(finding.count, 2)
        self.assertEqual(got.arguments, ["one", "two three"])
        self.assertEqual(got.environment, {"WORD": "a"})
        self.assertEqual(got.options, ["--fail-on", "likely"])
        self.assertEqual((got.notices, got.needs), (["unrecorded"], ["root", "glibc < 2.41"]))
        self.assertEqual((got.exit_code, got.hangs_natively), (66, True))

    def test_nothing_is_no_finding(self):
        got = expectation.parse("/* Safe.\n *\n * expect: nothing\n * exit: 0\n */")
        self.assertEqual((got.findings, got.exit_code, got.hangs_natively), ([], 0, False))

    def test_tells_a_loop_from_a_hang(self):
        got = expectation.parse(HAZARD.replace("native: hangs", "native: loops"))
        self.assertEqual((got.hangs_natively, got.loops_natively), (False, True))

    def test_two_expectations_are_two_findings(self):
        text = HAZARD.replace(" * args", " * expect: likely stale-lock-met\n *   count: 3\n * args")
        self.assertEqual([f.count for f in expectation.parse(text).findings], [2, 3])

    def refused(self, text, reason):
        with self.assertRaisesRegex(expectation.ExpectationError, reason):
            expectation.parse(text)

    def test_mistakes_are_refused(self):
        self.refused("int main(void);", "no head comment")
        self.refused("/* Only words. */", "no 'expect:'")
        self.refused(HAZARD.replace("certain", "sure"), "VERDICT RULE")
        self.refused(HAZARD.replace("mutex normal cache_mutex", "mutex normal"), "KIND TYPE NAME")
        self.refused(HAZARD.replace("call=fork", "road=fork"), "road=fork")
        self.refused(HAZARD.replace("exit: 66", "exits: 66"), "exits")
        self.refused(HAZARD.replace("native: hangs", "native: maybe"), "maybe")
        self.refused(HAZARD.replace("glibc < 2.41", "glibc 2.41"), "glibc 2.41")
        self.refused(HAZARD.replace(" * exit: 66", " * some more words"), "some more words")
        self.refused("/* x\n * expect: nothing\n *   count: 1\n */", "before any finding")

    def test_every_case_of_the_tree_can_be_read(self):
        folder = Path(__file__).resolve().parents[2] / "testcases"
        sources = [path for path in folder.iterdir() if path.suffix in (".c", ".cpp")]
        self.assertGreaterEqual(len(sources), 40)
        for source in sources:
            with self.subTest(source.name):
                got = expectation.parse(source.read_text())
                certain = any(f.verdict == "certain" for f in got.findings)
                if not got.options:
                    self.assertEqual(got.exit_code, 66 if certain else 0)


if __name__ == "__main__":
    unittest.main()
