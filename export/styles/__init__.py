"""Styles learned from pairs of raw and mixed tracks and their recovered settings: fitted, compared, put into bundles.

Needs torch only where rendered tracks are compared with the mixed ones.
"""
