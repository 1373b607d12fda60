"""Tests of the rules and facts, and the tools and engines that tests of decisions share."""
