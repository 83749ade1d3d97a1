"""Tunecase and its peers against measured runs, in one run: `python -m benchmarks.peers`.

The peers are installed in environments of their own, `.venv-peers` from `requirements/peers.txt`
and `.venv-peers-plans` from `requirements/peers-plans.txt` (one of them pins packages that the
others cannot use), and are called through their public interfaces by small worker scripts.
"""
