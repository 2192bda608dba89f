"""Commands that serve two models and collect answers: `eval`, `collect`, `import`, `parity`, `model-judge`, `down`."""
