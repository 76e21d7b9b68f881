"""Kinds of domains, by what may be done with their members."""

FINITE = ("set", "range", "onehot")  # the members can be listed
COUNTED = ("N", "N0", "Z")  # whole numbers without an end
DISCRETE = (*FINITE, *COUNTED)  # no derivative, and no small step
