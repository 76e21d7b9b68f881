"""Reference implementations of what the papers ask about, one module per chapter.

Every module uses NumPy only. Experiments (which may train with torch) are in
``fullmarks.experiments``; the figures of their results are in ``fullmarks.plots``.
"""
