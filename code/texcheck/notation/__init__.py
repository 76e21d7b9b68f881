"""The notations, a module for each family of them. A new one is an entry in one of these modules.

Where two notations begin with the same token, the one that is registered first is asked first: a
derivative before the fraction that it looks like, an indicator before a vector of ones.
"""

from importlib import import_module

MODULES = ("domains", "tables", "distributions", "families", "names", "derivatives", "functions",
           "choices", "arithmetic", "matrices", "sums", "extremes", "integrals",
           "limits", "special", "spectra", "expectations")

for _module in MODULES:
    import_module(f"{__name__}.{_module}")
