"""blindside: train with DPO, serve both models, judge blind, release on evidence.

The ground floor that `train`, `compose` and `eval` share; it imports none of them.
"""
