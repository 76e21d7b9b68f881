"""Kinds of domains, by what may be done with their members."""

FINITE = ("set", "range", "onehot")  # the members can be listed
COUNTED = ("N", "N0", "Z")  # whole numbers without an end
PLACES = "places"  # of an index that no line declares: all those that it has where it stands
DISCRETE = (*FINITE, *COUNTED, PLACES)  # no derivative, and no small step
