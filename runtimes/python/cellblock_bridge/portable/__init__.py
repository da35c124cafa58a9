"""The part of a session that outlives its image: the user's globals as cloudpickles.

A memory image belongs to the very runtime that made it. When that is gone, what can still be had is
what pickles: `saving` makes the pickles, one for each global, and `loading` puts them back. What
cannot be saved or restored is listed with the reason; neither of them ever fails as a whole.

The pickles of one saving follow one another with one memo, so that globals which share objects
share them again after loading, each pickle knowing those before it.
"""
