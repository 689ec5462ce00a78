"""Models on this box: which there are, where they come from, and which are in use.

``manifest`` names the models known to work; ``pulling`` and ``adding`` bring them into one
directory, with their checksums in a lock file (``lock``); ``smoke`` loads one in a process of its
own and asks it something; ``in_use`` keeps the choice, which the model server reads at its start
(``starting``) and ``swap`` tells it while it runs; ``measures`` and ``recommending`` find out what
this box can run.
"""
