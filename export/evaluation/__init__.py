"""Judges a model on held-out material, rendered: suites of cases, the bars they are held to, the page about it.

`runner.run_suite` gives the cases of one suite; `report.write_report` makes `docs/quality.md` of them.
"""
