"""Experiments: a grid of data, model, layer, mapper, condition and seed in, one tidy table out."""
