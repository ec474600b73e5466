"""Psychiatry: diagnosis, rating scales, suicide and violence risk, capacity, detention, safe psychotropic treatment."""
