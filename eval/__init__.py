"""Two URLs in, a release decision out.

Import from it (`from eval.records import Verdict`), never `import eval`: that would rebind the builtin.
"""
